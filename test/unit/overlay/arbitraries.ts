import fc from "fast-check"
import type { StoredRecord } from "../../../src/overlay/record.ts"

/** Few different values, so that ties and repetitions happen. */
export const bytes = (length: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom("\x00", "a", "ÿ"), { minLength: length, maxLength: length }).map((parts) => parts.join(""))

export const id: fc.Arbitrary<string> = fc.array(fc.constantFrom(..."018f"), { minLength: 4, maxLength: 4 })
  .map((digits) => digits.join("").padEnd(40, "0"))

/** Values, tombstones, and floors, which have the empty valueHash. */
export const record = (valueHash: fc.Arbitrary<string> = fc.constantFrom("a", "b", "")): fc.Arbitrary<StoredRecord> =>
  fc.record({
    valueHash,
    value: fc.option(fc.constantFrom("", "x", "ÿy"), { nil: undefined }),
    order: fc.nat(3),
    operationId: bytes(8).map((text) => text.slice(0, 1).repeat(8)),
    series: fc.constantFrom("", "s"),
    number: fc.nat(2),
    liveFor: fc.nat(5).map((seconds) => seconds * 1000),
    keptFor: fc.nat(5).map((seconds) => seconds * 1000),
  }).map(({ liveFor, keptFor, ...rest }) => ({ ...rest, value: rest.valueHash === "" ? undefined : rest.value, liveFor, keptFor }))
    .map(({ liveFor, keptFor, ...rest }) => ({
      ...rest,
      number: rest.series === "" ? 0 : rest.number,
      liveUntil: rest.value === undefined ? 0 : liveFor,
      keptUntil: Math.max(liveFor, keptFor),
    }))
