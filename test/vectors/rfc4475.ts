/**
 * What RFC 4475 asks of the message layer for each of its messages, by file
 * name. Where it leaves a choice, ours.
 */
export type Expectation =
  /** Accepted, and every header that we know can be read. */
  | { readonly outcome: "valid" }
  /** A request that is answered so; the reason phrase names the fault. */
  | { readonly outcome: "refused"; readonly status: number; readonly reason: RegExp }
  /** Nothing that could be answered: a response, or a request without a Via. */
  | { readonly outcome: "dropped"; readonly reason: RegExp }

const valid: Expectation = { outcome: "valid" }
const refused = (status: number, reason: RegExp): Expectation => ({ outcome: "refused", status, reason })
const dropped = (reason: RegExp): Expectation => ({ outcome: "dropped", reason })

export const rfc4475: Readonly<Record<string, Expectation>> = {
  // 3.1.1 valid messages
  wsinv: valid,
  intmeth: valid,
  esc01: valid,
  escnull: valid,
  esc02: valid,
  lwsdisp: valid,
  longreq: valid,
  dblreq: valid,
  semiuri: valid,
  transports: valid,
  mpart01: valid,
  unreason: valid,
  noreason: valid,
  // 3.1.2 invalid messages
  badinv01: refused(400, /parameter in Via/),
  clerr: refused(400, /shorter than Content-Length/),
  ncl: refused(400, /Content-Length/),
  scalar02: refused(400, /CSeq/),
  scalarlg: dropped(/CSeq/),
  quotbal: refused(400, /quoted string in To/),
  ltgtruri: refused(400, /Request-URI/),
  lwsruri: refused(400, /Request-URI/),
  lwsstart: refused(400, /Request-URI/),
  trws: refused(400, /Request-Line/),
  escruri: refused(400, /Headers in Request-URI/),
  // §3.1.2.12: refused only by who needs the date.
  baddate: valid,
  regbadct: refused(400, /without <> in Contact/),
  badaspec: refused(400, /URI in To/),
  // The file also lacks the empty line, which is seen first.
  baddn: refused(400, /Incomplete header section/),
  badvers: refused(505, /Version Not Supported/),
  mismatch01: refused(400, /CSeq method/),
  mismatch02: refused(501, /Not Implemented/),
  bigcode: dropped(/status code/),
  // 3.2 transaction layer
  badbranch: refused(400, /branch/),
  // 3.3 application layer: what is left for whoever routes or registers is valid here
  insuf: refused(400, /Missing From/),
  unkscm: valid,
  novelsc: valid,
  unksm2: valid,
  bext01: valid,
  invut: valid,
  regaut01: valid,
  multi01: refused(400, /given twice/),
  mcl01: refused(400, /Content-Length given twice/),
  bcast: valid,
  zeromf: valid,
  cparam01: valid,
  cparam02: valid,
  regescrt: valid,
  sdp01: valid,
  // 3.4 RFC 2543
  inv2543: valid,
  // Beside the RFC's messages: a request line without a version, and no Via.
  test: dropped(/Request-Line/),
}

/** Valid messages that do not come out byte for byte, and why. One that starts to must leave this list. */
export const rewritten: Readonly<Record<string, string>> = {
  dblreq: "§3.1.1.8: octets after the body are noise and are not sent on",
  inv2543: "has no Content-Length; a message that is sent carries one (RFC 3261 §20.14)",
}
