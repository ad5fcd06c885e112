/**
 * SIPp scenarios, as text. The injected fields are: 0 the user, 1 the host and
 * 2 the port of the peer that gets the request.
 */

const head = `<?xml version="1.0" encoding="UTF-8"?>`

/** Sends the call's messages to the peer that its line of the CSV file names. */
const toInjectedPeer = `<nop><action><setdest host="[field1]" port="[field2]" protocol="[transport]"/></action></nop>`

/** How a load ends that a server need not take: a 503 is counted and well. */
const orRefused = `<recv response="503" optional="true" next="refused" counter="1"/>`
const refusedEnd = `<label id="refused"/>`

/** One REGISTER of one contact, answered 200; with `mayBeRefused` also 503, which is then counted. */
export function registerScenario(domain: string, expiresSeconds = 3600, mayBeRefused = false): string {
  return `${head}
<scenario name="register">
  ${toInjectedPeer}
  <send retrans="500" start_rtd="1"><![CDATA[
REGISTER sip:${domain} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
Max-Forwards: 70
From: <sip:[field0]@${domain}>;tag=[pid]-[call_number]
To: <sip:[field0]@${domain}>
Call-ID: [call_id]
CSeq: 1 REGISTER
Contact: <sip:[field0]@[local_ip]:[local_port]>
Expires: ${expiresSeconds}
User-Agent: SIPp
Content-Length: 0

]]></send>
  ${mayBeRefused ? orRefused : ""}
  <recv response="200" rtd="1"/>
  ${mayBeRefused ? refusedEnd : ""}
</scenario>
`
}

/** Asks for the bindings of an address-of-record; fails unless there is one of that user. */
export function fetchScenario(domain: string): string {
  return `${head}
<scenario name="fetch">
  ${toInjectedPeer}
  <send retrans="500" start_rtd="1"><![CDATA[
REGISTER sip:${domain} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
Max-Forwards: 70
From: <sip:[field0]@${domain}>;tag=[pid]-[call_number]
To: <sip:[field0]@${domain}>
Call-ID: [call_id]
CSeq: 1 REGISTER
User-Agent: SIPp
Content-Length: 0

]]></send>
  <recv response="200" rtd="1">
    <action>
      <assignstr assign_to="expected" value="[field0]"/>
      <ereg regexp="sip:([^@]+)@" search_in="hdr" header="Contact:" check_it="true" assign_to="contact,user"/>
      <strcmp assign_to="difference" variable="user" variable2="expected" check_it="true"/>
    </action>
  </recv>
  <Reference variables="contact,difference"/>
</scenario>
`
}

const sdp = `v=0
o=- 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
`

const refusedCall = `
  <recv response="200" next="done"/>
  <label id="refused"/>
  <send><![CDATA[
ACK sip:[field0]@[remote_ip] SIP/2.0
[last_Via:]
Max-Forwards: 70
[last_From:]
[last_To:]
[last_Call-ID:]
CSeq: 1 ACK
Content-Length: 0

]]></send>
  <label id="done"/>`

/** Calls the injected user through its proxy: INVITE, 180, 200, ACK, BYE, 200, and a 100 where a proxy has waited long (RFC 4320 §4.1); with `mayBeRefused` also INVITE, 503, ACK, which is then counted. */
export function callerScenario(domain: string, mayBeRefused = false): string {
  return `${head}
<scenario name="caller">
  ${toInjectedPeer}
  <send retrans="500" start_rtd="1"><![CDATA[
INVITE sip:[field0]@${domain} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
Max-Forwards: 70
From: <sip:caller@${domain}>;tag=[pid]-[call_number]
To: <sip:[field0]@${domain}>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:caller@[local_ip]:[local_port];transport=[transport]>
User-Agent: SIPp
Content-Type: application/sdp
Content-Length: [len]

${sdp}
]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  ${mayBeRefused ? orRefused : ""}
  <recv response="200" rtd="1" rrs="true"/>
  <send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
Max-Forwards: 70
[routes]
From: <sip:caller@${domain}>;tag=[pid]-[call_number]
To: <sip:[field0]@${domain}>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Content-Length: 0

]]></send>
  <send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
Max-Forwards: 70
[routes]
From: <sip:caller@${domain}>;tag=[pid]-[call_number]
To: <sip:[field0]@${domain}>[peer_tag_param]
Call-ID: [call_id]
CSeq: 2 BYE
Content-Length: 0

]]></send>
  <recv response="100" optional="true"/>
  ${mayBeRefused ? refusedCall : `<recv response="200"/>`}
</scenario>
`
}

/** Answers calls: 180, 200, then waits for ACK and BYE. */
export function calleeScenario(): string {
  const copied = `[last_Via:]
[last_Record-Route:]
[last_From:]
[last_To:];tag=[pid]-[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:[local_ip]:[local_port];transport=[transport]>`
  return `${head}
<scenario name="callee">
  <recv request="INVITE" rrs="true"/>
  <send><![CDATA[
SIP/2.0 180 Ringing
${copied}
Content-Length: 0

]]></send>
  <send retrans="500"><![CDATA[
SIP/2.0 200 OK
${copied}
Content-Type: application/sdp
Content-Length: [len]

${sdp}
]]></send>
  <recv request="ACK"/>
  <recv request="BYE"/>
  <send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
</scenario>
`
}

/** The CSV file to inject: one line a call, taken in order. */
export function injectedLines(lines: readonly { readonly user: string; readonly host: string; readonly port: number }[]): string {
  return `SEQUENTIAL\n${lines.map(({ user, host, port }) => `${user};${host};${port}`).join("\n")}\n`
}
