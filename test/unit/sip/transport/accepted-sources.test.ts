import { expect, test } from "vitest"
import { AcceptedSources } from "../../../../src/sip/transport/accepted-sources.ts"

test("all addresses of one IPv6 /64 are one source, each IPv4 address is one", () => {
  const sources = new AcceptedSources()
  for (const host of ["2001:db8::1", "2001:db8:0:0:ffff::2", "192.0.2.1"]) sources.add(host)
  expect(["2001:db8::3", "2001:db8:0:1::1", "192.0.2.1", "192.0.2.2"].map((host) => sources.count(host))).toEqual([2, 0, 1, 0])
  sources.remove("2001:db8::1")
  sources.remove("192.0.2.1")
  expect(["2001:db8::1", "192.0.2.1"].map((host) => sources.count(host))).toEqual([1, 0])
})
