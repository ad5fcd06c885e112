import { describe, expect, it } from "vitest"
import { conditionOf, documentOf, operationOf } from "../../../../src/sip/events/publication-request.ts"
import { SipRequest } from "../../../../src/sip/message/index.ts"
import { Refusal } from "../../../../src/sip/registrar/refusal.ts"

/** The status that a refusal gives, or what is given else. */
function outcomeOf<T>(act: () => T): T | number {
  try {
    return act()
  } catch (error) {
    if (error instanceof Refusal) return error.status
    throw error
  }
}

const publish = (headers: readonly [string, string][], body = "x"): SipRequest => SipRequest.create("PUBLISH", "sip:bob@example.org", [...headers], Buffer.from(body))

describe("operationOf", () => {
  // RFC 3903 §4.1, table 1, and what §6 says of the other cases.
  it.each([
    [false, true, 3600, "initial"],
    [true, false, 3600, "refresh"],
    [true, true, 3600, "modify"],
    [true, false, 0, "remove"],
    [true, true, 0, "remove"],
    [false, true, 0, "nothing"],
    [false, false, 3600, 400],
    [false, false, 0, 400],
  ] as const)("an entity-tag %s, a body %s, Expires %i: %s", (hasTag, hasBody, expiresSeconds, expected) => {
    expect(outcomeOf(() => operationOf({ hasTag, hasBody, expiresSeconds }))).toBe(expected)
  })
})

describe("conditionOf", () => {
  it.each([
    [[], undefined],
    [[["SIP-If-Match", "abc-1"]], "abc-1"],
    [[["sip-if-match", "abc, def"]], 400],
    [[["SIP-If-Match", ""]], 400],
  ] as [[string, string][], string | number | undefined][])("%j: %s", (headers, expected) => {
    expect(outcomeOf(() => conditionOf(publish(headers)))).toBe(expected)
  })
})

describe("documentOf", () => {
  it.each([
    ["of the type", [["Content-Type", "application/pidf+xml"]], "x", "x"],
    ["of the type in other letters, with parameters", [["c", "Application/PIDF+XML;charset=utf-8"]], "x", "x"],
    ["of another type", [["Content-Type", "text/plain"]], "x", 415],
    ["of no type", [], "x", 415],
    ["packed", [["Content-Type", "application/pidf+xml"], ["Content-Encoding", "gzip"]], "x", 415],
    ["packed in nothing", [["Content-Type", "application/pidf+xml"], ["Content-Encoding", "identity"]], "x", "x"],
    ["as long as it may be", [["Content-Type", "application/pidf+xml"]], "x".repeat(8192), "x".repeat(8192)],
    ["longer", [["Content-Type", "application/pidf+xml"]], "x".repeat(8193), 413],
  ] as [string, [string, string][], string, string | number][])("%s", (_, headers, body, expected) => {
    const outcome = outcomeOf(() => documentOf(publish(headers, body), "application/pidf+xml"))
    expect(typeof outcome === "number" ? outcome : Buffer.from(outcome).toString()).toBe(expected)
  })
})
