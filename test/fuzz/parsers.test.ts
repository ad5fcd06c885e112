/**
 * Our parser beside three others, on generated messages: ordinary ones, and
 * ordinary ones with one oddity each. PARSER_MESSAGES=2000 makes it twenty
 * times as long.
 */
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { bytesOf, oddities, ordinaryMessage } from "./ordinary-messages.ts"
import { readJsSip, readOurs, readSip, readSipJs, type Reader, type Reading } from "./other-parsers.ts"

const messages = fc.sample(ordinaryMessage, { numRuns: Number(process.env["PARSER_MESSAGES"] ?? 100), seed: 1 })
const readers: Readonly<Record<string, Reader>> = { sip: readSip, JsSIP: readJsSip, "SIP.js": readSipJs }

/** What another parser does otherwise: it refuses what we accept, accepts what we refuse, or reads these parts otherwise. */
interface Difference {
  readonly sip?: string
  readonly JsSIP?: string
  readonly "SIP.js"?: string
  readonly why: string
}

/** JsSIP and SIP.js have one ancestor. */
function browsers(what: string, why: string): Difference {
  return { JsSIP: what, "SIP.js": what, why }
}

function all(what: string, why: string): Difference {
  return { sip: what, JsSIP: what, "SIP.js": what, why }
}

function sip(what: string, why: string): Difference {
  return { sip: what, why }
}

const later = "RFC 3261 has it refused; they leave it to whoever works with the message, or to nobody"

/** Every oddity on which parsers differ. One that they come to agree on must leave this list. */
const differences: Readonly<Record<string, Difference>> = {
  "two Vias in one line": browsers("via branch", "they take the last of a line for the topmost (RFC 3261 §7.3.1: the first)"),
  "an unheard-of transport": browsers("refuses", "their grammar lists transports; RFC 3261 §25.1 has other-transport, and a proxy must pass it on"),
  "an IPv6 address in Via": sip("via branch", "its expression ends a host at the first colon (RFC 3261 §25.1: IPv6reference)"),
  "a user with an escape": browsers("from", "they undo escapes when they parse; we keep the text and undo it in decodedUser, so that a URI is passed on as it came"),
  "a user with a password": browsers("from", "they take the password for a part of the user; RFC 3261 §19.1.1 has them apart"),
  "a tel URI in To": browsers("refuses", "their grammar knows SIP URIs alone; RFC 3261 §25.1 allows absoluteURI"),
  "a Contact that is *": browsers("refuses", "a client never gets it; a registrar does (RFC 3261 §10.2.2)"),
  "octets behind the body": sip("body", "it takes a Content-Length of 0 for none; RFC 3261 §18.3 has what follows the body discarded"),
  "a CSeq above 2**31": all("accepts", later),
  "a CSeq of another method": all("accepts", later),
  "a negative Content-Length": sip("accepts", "it makes a number of it, whatever it is"),
  "a body shorter than Content-Length": all("accepts", "RFC 3261 §18.3: a datagram that is cut short is a 400"),
  "two Content-Lengths": all("accepts", "the last one counts; RFC 4475 §3.3.9 has it refused, as two elements may take different ones"),
  "two CSeqs": all("accepts", "the last one counts; RFC 4475 §3.3.8 has it refused"),
  "two Froms": all("accepts", "the last one counts; RFC 4475 §3.3.8 has it refused"),
  "no Call-ID": { "SIP.js": "accepts", why: later },
  "an unterminated quoted string": sip("accepts", "its expressions match what they can and leave the rest"),
  "an unterminated <": sip("accepts", "its expressions match what they can and leave the rest"),
  "an empty parameter in Via": sip("accepts", "its expressions match what they can and leave the rest"),
  "a port above 65535": all("accepts", "a number to them; no socket takes it"),
  "a Request-URI in brackets": sip("accepts", "a Request-URI is anything without blanks to it"),
  "two blanks in the start line": sip("accepts", "of a response only; RFC 3261 §7.2 has a single one"),
  "SIP/7.0": all("accepts", "the version is checked later, where it is; RFC 3261 §21.5.7 wants a 505"),
  "a status of 4294967301": sip("accepts", "a number of any length to it"),
  "a line without a colon": browsers("accepts", "they take the text up to the colon of the next line for a name"),
}

/** What a parser does otherwise with these bytes; "" where it agrees with ours. */
function difference(bytes: Buffer, read: Reader): string {
  const [ours, theirs] = [readOurs(bytes), read(bytes)]
  if (ours === undefined) return theirs === undefined ? "" : "accepts"
  if (theirs === undefined) return "refuses"
  const fields: readonly (keyof Reading)[] = ["start", "callId", "cseq", "from", "to", "fromTag", "toTag", "via", "branch", "contacts", "body"]
  return fields.filter((field) => ours[field] !== theirs[field]).join(" ")
}

// They log what they refuse.
beforeAll(() => void vi.spyOn(console, "warn").mockImplementation(() => undefined))
afterAll(() => void vi.restoreAllMocks())

describe.each(Object.entries(readers))("%s and ours", (name, read) => {
  it("read ordinary messages alike, part by part", () => {
    for (const parts of messages) {
      const bytes = bytesOf(parts)
      expect(read(bytes)).toEqual(readOurs(bytes))
    }
  })

  it.each(Object.entries(oddities))("read a message with %s alike, or differ as explained", (oddity, change) => {
    const found = new Set(messages.map((parts) => difference(bytesOf(change(parts)), read)))
    found.delete("")
    const expected = differences[oddity]?.[name as keyof Difference]
    expect([...found]).toEqual(expected === undefined ? [] : [expected])
  })
})

it("every difference that is explained is of an oddity that is tried", () => {
  expect(Object.keys(differences).filter((oddity) => oddities[oddity] === undefined)).toEqual([])
})
