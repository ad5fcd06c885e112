import { describe, expect, it, onTestFinished } from "vitest"
import { SipResponse, SipUri } from "../../../../src/sip/message/index.ts"
import { Redirects } from "../../../../src/sip/proxy/redirects.ts"
import type { Target } from "../../../../src/sip/proxy/targets.ts"

const slow: Target = { qThousandths: 1000, ways: [] }

/** 302 to these URIs. */
function moved(...uris: string[]): SipResponse {
  const contacts = uris.map((uri): [string, string] => ["Contact", `<${uri}>`])
  return SipResponse.create(302, "Moved Temporarily", [["CSeq", "1 INVITE"], ...contacts])
}

describe("the contacts of a 302", () => {
  it("may fail at once while another one is still looked up", async () => {
    const unhandled: unknown[] = []
    const listen = (reason: unknown): void => void unhandled.push(reason)
    process.on("unhandledRejection", listen)
    onTestFinished(() => void process.off("unhandledRejection", listen))
    const lookup = Promise.withResolvers<readonly Target[]>()
    const redirects = new Redirects({
      asSip: (uri) => uri,
      nameOf: (uri) => uri.toString(),
      targetsOf: (uri) => (uri.user === "slow" ? lookup.promise : Promise.reject(new Error("nobody is there"))),
    }, SipUri.parse("sip:bob@example.org"), 5)
    const followed = redirects.follow(moved("sip:slow@example.org", "sip:nobody@example.org"))
    // Node looks for rejections without a listener after each turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve))
    lookup.resolve([slow])
    const { targets, rest } = (await followed) ?? { targets: [], rest: undefined }
    expect(targets).toEqual([slow])
    expect(rest?.headers.getAll("Contact")).toEqual(["<sip:nobody@example.org>"])
    expect(unhandled).toEqual([])
  })

  it("are followed, and the others left to the caller, however many one field holds", async () => {
    const redirects = new Redirects({
      asSip: (uri) => uri,
      nameOf: (uri) => uri.toString(),
      targetsOf: () => Promise.resolve([slow]),
    }, SipUri.parse("sip:bob@example.org"), 5)
    const contacts = Array.from({ length: 400 }, (_, index) => `<sip:bob${index}@example.org>`)
    const response = SipResponse.create(302, "Moved Temporarily", [["CSeq", "1 INVITE"], ["Contact", contacts.join(", ")]])
    const { targets, rest } = (await redirects.follow(response)) ?? { targets: [], rest: undefined }
    expect(targets).toHaveLength(5)
    expect(rest?.headers.getAll("Contact")).toEqual(contacts.slice(5))
  })
})
