import fc from "fast-check"
import { expect, test } from "vitest"
import {
  addressOfId, addressOfMac, addressOfPeer, clockwise, decodeHostAddress, encodeHostAddress, formatAddress, idOfAddress, linyphiHash, parseAddress,
  peerIdOf, ringSize,
} from "../../../backends/ssr/address.ts"

const address = fc.integer({ min: 0, max: ringSize - 1 })
const routers = ["00:1C:10:52:1D:BF", "00:1C:10:52:44:56", "00:1C:10:52:47:B3"]
const hashes = [
  "3C:29:F0:7C:15:9D", "5A:36:26:61:BC:C9", "66:84:10:E2:E9:17", "9D:9F:7B:21:4F:EC", "9D:A9:22:95:86:65",
  "B2:F3:FB:21:2E:E0", "C6:0A:F2:6F:D1:13", "CF:78:98:F6:03:04", "E1:4F:00:22:25:F8", "EA:CF:8D:F7:B8:02",
]

/** The number, from 1, of the router that answers for a hash: the last one before it on the ring. */
function routerOf(hash: string, addresses: readonly number[]): number {
  const distances = addresses.map((router) => clockwise(router, parseAddress(hash)))
  return 1 + distances.indexOf(Math.min(...distances))
}

test("with MAC addresses as they are, one of three routers of one maker answers for everything", () => {
  expect(hashes.map((hash) => routerOf(hash, routers.map(parseAddress)))).toEqual(hashes.map(() => 3))
})

test("with their bytes reversed the keys are shared", () => {
  expect(formatAddress(addressOfMac("00:1C:10:52:1D:BF"))).toBe("bf1d52101c00")
  expect(hashes.map((hash) => routerOf(hash, routers.map(addressOfMac)))).toEqual([1, 2, 2, 2, 2, 2, 1, 1, 1, 1])
})

test("the 2008 key hash is djb2 with zeros behind it", () => {
  expect(formatAddress(linyphiHash(Buffer.from("")))).toBe("000015050000")
  expect(formatAddress(linyphiHash(Buffer.from("a")))).toBe("0002b6060000")
})

test("a host's IPv6 address names its router, the interface and the host", () => {
  const host = { router: parseAddress("00:1B:FC:8D:0C:AC"), port: 2, host: parseAddress("00:19:CB:06:BB:F8") }
  const bytes = encodeHostAddress(host)
  expect(Buffer.from(bytes).toString("hex")).toBe("01001bfc8d0cac020019cbfffe06bbf8")
  expect(decodeHostAddress(bytes)).toEqual(host)
  expect(decodeHostAddress(Buffer.alloc(16))).toBeUndefined()
})

test("addresses survive every notation", () => {
  fc.assert(
    fc.property(address, (one) => {
      expect(parseAddress(formatAddress(one))).toBe(one)
      expect(addressOfPeer(peerIdOf(one))).toBe(one)
      expect(addressOfId(idOfAddress(one))).toBe(one)
    }),
  )
})

test("the way round the ring is the way there and the way back", () => {
  fc.assert(fc.property(address, address, (a, b) => void expect(clockwise(a, b) + clockwise(b, a)).toBe(a === b ? 0 : ringSize)))
})

test("other text is no address", () => {
  for (const text of ["", "12", "00:1C:10:52:1D:BG", "0".repeat(13)]) {
    expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: "P2PSIP_BAD_CONFIG" }) as Error)
  }
})
