/**
 * Scenario `kamailio`: Kamailio as the proxy between some phones and a peer,
 * with double Record-Route, because it has one socket for the phones and one
 * for the peer. Its phones call, and are called by, a phone at another peer.
 */
import { setTimeout as sleep } from "node:timers/promises"
import type { Daemon } from "../../src/bench/daemon.ts"
import { freePort, startKamailio } from "../../src/bench/kamailio.ts"
import type { UserAgent } from "../../src/sip/agent/index.ts"
import { startAgent } from "./agents.ts"
import { domain, inTurn, type Check } from "./checks.ts"

export async function kamailioNeighbour(peers: readonly Daemon[]): Promise<Check[]> {
  const inner = await freePort()
  const kamailio = await startKamailio((port, modulePath) => configuration({ port, inner, modulePath, peer: inTurn(peers, 0).sipPort("udp") }))
  try {
    const [alice, carol] = [await startAgent("alice", kamailio.port), await startAgent("carol", inTurn(peers, 1))]
    const bob = await startAgent("bob", kamailio.port)
    try {
      return [
        await call("a phone calls through Kamailio to a phone at another peer, and hangs up", alice, "carol", "caller"),
        await call("a phone calls through Kamailio, and the other side hangs up", alice, "carol", "callee", carol),
        await call("a phone at another peer calls through Kamailio, and hangs up", carol, "alice", "caller"),
        await call("a phone at another peer calls through Kamailio, and the other side hangs up", carol, "alice", "callee", alice),
        await call("a phone calls through Kamailio, a peer and Kamailio again", alice, "bob", "caller"),
      ]
    } finally {
      for (const agent of [alice, bob, carol]) await agent.stop()
    }
  } finally {
    await kamailio.end()
  }
}

async function call(name: string, from: UserAgent, to: string, hangsUp: "caller" | "callee", callee?: UserAgent): Promise<Check> {
  const dialled = from.call(`sip:${to}@${domain}`)
  const outcome = await dialled.outcome
  if (outcome.kind === "failed") return { name, passed: false, detail: `${outcome.status} ${outcome.reason}` }
  // The ACK is still on its way.
  await sleep(300)
  if (hangsUp === "caller") dialled.hangUp()
  else callee?.calls[0]?.hangUp()
  const isOver = await Promise.race([dialled.ended.then(() => true), sleep(10_000).then(() => false)])
  if (!isOver) return { name, passed: false, detail: "established, not ended within ten seconds" }
  return { name, passed: true, detail: `established, ended by the ${hangsUp}` }
}

interface Ports {
  /** For the phones. */
  readonly port: number
  /** For the peer. */
  readonly inner: number
  readonly modulePath: string
  readonly peer: number
}

function configuration({ port, inner, modulePath, peer }: Ports): string {
  const modules = ["tm", "sl", "rr", "pv", "maxfwd", "textops", "siputils", "path"]
  return `#!KAMAILIO
debug=-1
log_stderror=yes
children=1
disable_tcp=yes
auto_aliases=no
listen=udp:127.0.0.1:${port}
listen=udp:127.0.0.1:${inner}
mpath="${modulePath}"
${modules.map((name) => `loadmodule "${name}.so"`).join("\n")}
modparam("rr", "enable_double_rr", 1)

request_route {
  if (!mf_process_maxfwd_header("10")) {
    sl_send_reply("483", "Too Many Hops");
    exit;
  }
  if (is_method("CANCEL")) {
    if (t_check_trans()) t_relay();
    exit;
  }
  if (is_method("OPTIONS") && $rU == $null) {
    sl_send_reply("200", "OK");
    exit;
  }
  if (is_method("INVITE|SUBSCRIBE") && !has_totag()) record_route();
  if (loose_route()) {
    t_relay();
    exit;
  }
  if (has_totag()) {
    if (is_method("ACK") && t_check_trans()) t_relay();
    else if (!is_method("ACK")) sl_send_reply("404", "Not Here");
    exit;
  }
  if ($sp == ${peer}) {
    # Along a Path: its last Route was Kamailio's own.
    $fs = "udp:127.0.0.1:${port}";
    t_relay();
    exit;
  }
  $fs = "udp:127.0.0.1:${inner}";
  if (is_method("REGISTER")) add_path();
  $du = "sip:127.0.0.1:${peer};transport=udp";
  t_relay();
}
`
}
