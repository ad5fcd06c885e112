import { expect, test } from "vitest"
import {
  formatReason,
  fromBinaryText,
  Headers,
  maxBreadthOf,
  optionTags,
  reasonPhrase,
  reasonsOf,
  retryAfterOf,
  secondsOf,
  toBinaryText,
} from "../../../../src/sip/message/index.ts"

test("option tags are a set without regard to case", () => {
  const headers = new Headers([["k", "Path, outbound"], ["Supported", "PATH,gruu"]])
  expect([...optionTags(headers, "Supported")]).toEqual(["path", "outbound", "gruu"])
  expect(optionTags(headers, "Require").size).toBe(0)
})

test("seconds are whole, and below 2^32", () => {
  const seconds = (value: string): number | undefined => secondsOf(new Headers([["Expires", value]]), "expires")
  expect(["0", "060", "4294967295", "4294967296", "-1", "1.5", "", "soon"].map(seconds)).toEqual([
    0, 60, 4_294_967_295, undefined, undefined, undefined, undefined, undefined,
  ])
})

test("Retry-After is read past comment and parameters", () => {
  const seconds = (value: string): number | undefined => retryAfterOf(new Headers([["Retry-After", value]]))
  expect(["18000;duration=3600", "120 (I'm in a meeting)", "5", "x", "99999999999"].map(seconds)).toEqual([18_000, 120, 5, undefined, undefined])
  expect(retryAfterOf(new Headers())).toBeUndefined()
})

test("Max-Breadth is a number or a fault", () => {
  expect(maxBreadthOf(new Headers([["Max-Breadth", "60"]]))).toBe(60)
  expect(maxBreadthOf(new Headers())).toBeUndefined()
  expect(() => maxBreadthOf(new Headers([["Max-Breadth", "many"]]))).toThrow(/Max-Breadth/)
})

test("reasons come out as they went in; malformed ones are passed over", () => {
  const elsewhere = { protocol: "SIP", cause: 200, text: 'Call "completed" elsewhere, Zoë' }
  const headers = new Headers([["Reason", `${formatReason(elsewhere)}, Q.850;cause=16, ;;x`], ["Reason", "X;cause=y"]])
  expect(reasonsOf(headers)).toEqual([
    elsewhere,
    { protocol: "Q.850", cause: 16, text: undefined },
    { protocol: "X", cause: undefined, text: undefined },
  ])
})

test("an unknown status has the phrase of its class", () => {
  expect([reasonPhrase(200), reasonPhrase(299), reasonPhrase(499), reasonPhrase(599)]).toEqual(["OK", "OK", "Bad Request", "Server Internal Error"])
})

test("text of any script travels as the bytes of its UTF-8", () => {
  expect(toBinaryText("é")).toBe("\xc3\xa9")
  expect(fromBinaryText(toBinaryText("Zoë 東京 📞"))).toBe("Zoë 東京 📞")
})
