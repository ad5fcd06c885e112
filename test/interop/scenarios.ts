/** SIPp scenarios beyond those of the bench. Injected fields: 0 the user, 1 the host, 2 the port, 3 the port to turn to. */
import { setTimeout as sleep } from "node:timers/promises"
import type { Daemon } from "../../src/bench/daemon.ts"
import { fetchScenario, injectedLines } from "../../src/bench/sipp-scenarios.ts"
import { runSipp } from "../../src/bench/sipp.ts"
import { domain } from "./checks.ts"

const head = `<?xml version="1.0" encoding="UTF-8"?>`

function registerRequest(cseq: number, expiresSeconds: number): string {
  return `REGISTER sip:${domain} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
Max-Forwards: 70
From: <sip:[field0]@${domain}>;tag=[pid]-[call_number]
To: <sip:[field0]@${domain}>
Call-ID: [call_id]
CSeq: ${cseq} REGISTER
Contact: <sip:[field0]@[local_ip]:[local_port];transport=[transport]>
Expires: ${expiresSeconds}
User-Agent: SIPp
Content-Length: 0
`
}

/** Registers, then stays for an hour so that calls find it. */
export function phoneScenario(): string {
  return `${head}
<scenario name="phone">
  <send retrans="500"><![CDATA[
${registerRequest(1, 3600)}
]]></send>
  <recv response="200"/>
  <pause milliseconds="3600000"/>
</scenario>
`
}

/**
 * A REGISTER to the line's peer, sent once, because SIPp would send it again to
 * the other peer as well; when that does not answer within a second, or
 * answers 503, to the peer it is to turn to (RFC 3263 §4.3). Logs what became
 * of it, with the milliseconds since the start.
 */
export function failoverScenario(): string {
  const log = (word: string): string => `<action><log message="${word} [field0] [clock_tick]"/></action>`
  const to = (field: number): string =>
    `<nop><action><setdest host="[field1]" port="[field${field}]" protocol="[transport]"/></action></nop>`
  return `${head}
<scenario name="register, with another peer to turn to">
  ${to(2)}
  <send><![CDATA[
${registerRequest(1, 3600)}
]]></send>
  <recv response="503" optional="true" timeout="1000" ontimeout="turn" next="turn"/>
  <recv response="200" next="done">${log("acknowledged")}</recv>
  <label id="turn"/>
  <nop>${log("turned")}</nop>
  ${to(3)}
  <send retrans="500"><![CDATA[
${registerRequest(2, 3600)}
]]></send>
  <recv response="503" optional="true" timeout="4000" ontimeout="failed" next="failed"/>
  <recv response="200" next="done">${log("acknowledged")}</recv>
  <label id="failed"/>
  <nop>${log("failed")}</nop>
  <label id="done"/>
</scenario>
`
}

/** The same scenario for a transport that has only one destination. */
export function withoutDestination(scenario: string): string {
  return scenario.replace(/<nop><action><setdest .*<\/nop>\n/, "")
}

/** Waits until the user is found at that peer; at most ten seconds. */
export async function fetchUntilFound(user: string, peer: Daemon): Promise<void> {
  const port = peer.sipPort("udp")
  for (let attempt = 0; attempt < 20; attempt++) {
    const result = await runSipp({
      scenario: fetchScenario(domain),
      injected: injectedLines([{ user, host: "127.0.0.1", port }]),
      remote: `127.0.0.1:${port}`,
      calls: 1,
      timeoutSeconds: 5,
    })
    if (result.successful === 1) return
    await sleep(500)
  }
  throw new Error(`${user} has not registered`)
}
