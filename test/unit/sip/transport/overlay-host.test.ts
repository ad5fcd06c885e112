import fc from "fast-check"
import { expect, test } from "vitest"
import { hostOfPeer, isOverlayHost, maxPeerIdBytes, peerOfHost } from "../../../../src/sip/transport/overlay-host.ts"

const peerId = fc
  .string({ unit: "binary", minLength: 1, maxLength: maxPeerIdBytes })
  .filter((text) => Buffer.byteLength(text) <= maxPeerIdBytes)

test("every peer id has a host name, from which it comes back in any case", () => {
  fc.assert(
    fc.property(peerId, (id) => {
      const host = hostOfPeer(id)
      expect(host.length).toBeLessThanOrEqual(253)
      expect(host).toMatch(/^([a-z0-9]{1,63}\.)+p2psip\.invalid$/)
      expect(peerOfHost(host)).toBe(id)
      expect(peerOfHost(host.toUpperCase())).toBe(id)
    }),
  )
})

test("any text names one peer in one spelling, or none", () => {
  const labels = fc.string({ unit: fc.constantFrom(..."kb.az27-5xq"), maxLength: 40 })
  fc.assert(
    fc.property(fc.oneof(fc.string(), labels.map((text) => `${text}.p2psip.invalid`)), (host) => {
      const id = peerOfHost(host)
      if (id !== undefined) expect(hostOfPeer(id)).toBe(host.toLowerCase())
    }),
  )
})

// Pairs that @libp2p/peer-id printed: Ed25519, secp256k1 and RSA keys.
test.each([
  ["12D3KooWMNHiYkm5GghhHaHkYznGiBVC2J1dryFmrBzksRFXu3hr", "k51qzi5uqu5dkgkpf1xlo8gaxsi8ziwzfhaih68t1qio83gwsys52pg3f06csp"],
  ["16Uiu2HAmAJdjBVfQWK5D2S5jSV2qv2f4eKsGbjm8Mp3wqWJUfgAL", "kzwfwjn5ji4pup6kjkw29elkemo6ssfxw7zo5q8d053kxvpcmjb9wztlwvorl7d"],
  ["QmZpuuEnEw2VAp4fyN9sh1o7jJSLVCVSS9suRM6iqQTXtN", "k2k4r8no5q0sns238avgjh06rqsdv9amzs4sfae5xh1mm5amazfkj8d7"],
])("%s is written as its CID", (id, cid) => {
  expect(hostOfPeer(id)).toBe(`${cid}.p2psip.invalid`)
  expect(peerOfHost(`${cid}.p2psip.invalid`)).toBe(id)
})

test("what cannot be a host name is refused", () => {
  for (const id of ["", "\ud800", "x".repeat(maxPeerIdBytes + 1)]) {
    expect(() => hostOfPeer(id)).toThrow(expect.objectContaining({ code: "P2PSIP_BAD_ARGUMENT" }))
  }
  expect(hostOfPeer("x".repeat(maxPeerIdBytes)).length).toBe(253)
})

test("overlay hosts are told from others by their last labels", () => {
  expect(isOverlayHost("B.P2PSIP.INVALID")).toBe(true)
  expect(isOverlayHost("p2psip.invalid")).toBe(false)
  expect(peerOfHost("example.com")).toBe(undefined)
})
