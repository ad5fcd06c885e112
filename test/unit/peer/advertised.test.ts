import { describe, expect, it } from "vitest"
import { noteOnAddress } from "../../../src/peer/advertised.ts"

const at = (host: string) => ({ host, port: 5060 })

describe("noteOnAddress", () => {
  it.each(["udp:192.0.2.1:5060", "udp:0.0.0.0:5060;advertise=sip.example.org:5060", "udp:[::1]:5060"])("has nothing to say about %s", (listener) => {
    expect(noteOnAddress(listener, at("192.0.2.1"), ["192.0.2.1", "192.0.2.2"])).toBeUndefined()
  })

  it("says what phones are told, and what to do in a container", () => {
    const note = noteOnAddress("udp:0.0.0.0:5060", at("172.17.0.2"), ["172.17.0.2", "127.0.0.1", "fe80::1"])
    expect(note).toMatchObject({ isDoubtful: false, text: expect.stringMatching(/told 172\.17\.0\.2:5060; .*container.*advertise=/) as string })
  })

  it("doubts the choice among several addresses of the family", () => {
    const note = noteOnAddress("tls:[::]:5061", at("2001:db8::1"), ["2001:db8::1", "2001:db8::2", "::1", "192.0.2.1"])
    expect(note).toMatchObject({ isDoubtful: true, text: expect.stringContaining("one of 2 addresses") as string })
  })

  it("doubts an address that nobody else reaches", () => {
    expect(noteOnAddress("udp:0.0.0.0:5060", at("127.0.0.1"), ["127.0.0.1"])).toMatchObject({ isDoubtful: true, text: expect.stringContaining("only this machine") as string })
  })
})
