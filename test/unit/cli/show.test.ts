import { stripVTControlCharacters } from "node:util"
import { expect, test } from "vitest"
import { showValues } from "../../../src/cli/show.ts"

const rest = { valueHash: "00ff", ttlSeconds: 60 }
const shown = (values: Parameters<typeof showValues>[0]): string => stripVTControlCharacters(showValues(values))

test("a value is shown as text, in base64, or as the registration that it is", () => {
  expect(shown([])).toBe("(no value)")
  expect(shown([{ ...rest, value: "hello", encoding: "utf8" }])).toBe("hello  (60 s left, hash 00ff)")
  expect(shown([{ ...rest, value: "AP8=", encoding: "base64" }])).toBe("base64:AP8=  (60 s left, hash 00ff)")
  const binding = { contact: "sip:bob@192.0.2.1", q: 0.5, callId: "c", cseq: 1, userAgent: "Phone\u001b[2J 1.0", heldBy: "12D3KooWabcdefgh" }
  expect(shown([{ ...rest, value: "AQ==", encoding: "base64", binding }]))
    .toBe("sip:bob@192.0.2.1, q=0.5, Phone?[2J 1.0, phone of peer …abcdefgh  (60 s left, hash 00ff)")
})
