import { readdirSync, readFileSync } from "node:fs"
import { basename, join } from "node:path"
import { describe, expect, test } from "vitest"
import { parseMessage, SipRequest, SipSyntaxError } from "../../../../src/sip/message/index.ts"
import { readers } from "../../../fuzz/read-everything.ts"
import { rewritten, rfc4475 } from "../../../vectors/rfc4475.ts"
import { sharedFolder } from "../../../vectors/shared.ts"

const folder = sharedFolder("torture/rfc4475")

function bytesOf(name: string): Buffer {
  return readFileSync(join(folder ?? "", `${name}.dat`))
}

/** What the message layer says of a datagram: the message, or the fault. */
function judge(name: string): SipRequest | SipSyntaxError | object {
  try {
    const message = parseMessage(bytesOf(name))
    for (const read of readers(message)) read()
    return message
  } catch (error) {
    if (error instanceof SipSyntaxError) return error
    throw error
  }
}

describe.skipIf(folder === undefined)("RFC 4475 (skipped where shared/torture/rfc4475 is absent; P2PSIP_SHARED names shared)", () => {
  test("every message has an expectation, and every expectation a message", () => {
    const files = readdirSync(folder ?? "").filter((file) => file.endsWith(".dat"))
    expect(files.map((file) => basename(file, ".dat")).sort()).toEqual(Object.keys(rfc4475).sort())
  })

  for (const [name, expectation] of Object.entries(rfc4475)) {
    test(`${name}: ${expectation.outcome}`, () => {
      const verdict = judge(name)
      if (expectation.outcome === "valid") {
        expect(verdict).not.toBeInstanceOf(Error)
        return
      }
      if (!(verdict instanceof SipSyntaxError)) throw new Error("expected a SipSyntaxError, found a message")
      expect(verdict.reason).toMatch(expectation.reason)
      if (expectation.outcome === "refused") expect(verdict.status).toBe(expectation.status)
    })
  }

  for (const [name, expectation] of Object.entries(rfc4475)) {
    if (expectation.outcome !== "valid") continue
    const reason = rewritten[name]
    test(reason === undefined ? `${name} comes out byte for byte` : `${name} does not come out byte for byte: ${reason}`, () => {
      const bytes = bytesOf(name)
      const written = parseMessage(bytes).toBytes().toString("latin1")
      if (reason === undefined) expect(written).toBe(bytes.toString("latin1"))
      else expect(written).not.toBe(bytes.toString("latin1"))
    })
  }

  test("what the tortuous INVITE hides in its white space", () => {
    const request = parseMessage(bytesOf("wsinv"))
    expect(request.to.tag).toBe("1918181833n")
    expect(request.from).toMatchObject({ displayName: 'J Rosenberg \\"', tag: "98asjd8" })
    expect(request.cseq).toMatchObject({ number: 9, method: "INVITE" })
    expect(request instanceof SipRequest ? request.maxForwards : undefined).toBe(68)
    expect(request.headers.getAll("Via").length).toBe(3)
    expect(request.headers.get("NewFangledHeader")).toBe("newfangled value continued newfangled value")
    expect(request.headers.get("Subject")).toBe("")
  })

  test("escapes are undone where they are escapes, and once", () => {
    const request = parseMessage(bytesOf("esc01"))
    if (!(request instanceof SipRequest)) throw new Error("expected a request")
    expect(request.requestUri).toMatchObject({ decodedUser: "sips:user@example.com", host: "example.net" })
    const percent = parseMessage(bytesOf("esc02"))
    expect(percent.to.displayName).toBe("%Z%45")
    expect(percent.headers.getAll("Contact").length).toBe(2)
  })
})
