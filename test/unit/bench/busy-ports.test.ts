/** Peers of ours take ports that the system picks; programs of others must be told one, which somebody else may take before they do. */
import { createSocket } from "node:dgram"
import { afterAll, beforeAll, expect, test } from "vitest"
import { complaintOf, startHost } from "../../../src/bench/hosted.ts"
import { kamailioVersion, registrarConfiguration, startKamailio } from "../../../src/bench/kamailio.ts"
import { dhtnode, startNodes } from "../../../src/bench/peers/dhtnode.ts"

const somebody = createSocket("udp4")
let port = 0
beforeAll(async () => {
  await new Promise<void>((resolve) => somebody.bind(0, "0.0.0.0", resolve))
  port = somebody.address().port
})
afterAll(() => new Promise<void>((resolve) => void somebody.close(() => resolve())))

const taken = (): Promise<number> => Promise.resolve(port)

async function complaint(starting: Promise<unknown>): Promise<string> {
  const error: unknown = await starting.then(() => undefined, (error: unknown) => error)
  expect(error).toBeInstanceOf(Error)
  const { message } = error as Error
  expect(message).not.toContain("\n")
  return message
}

test("a peer whose port is taken says which, and what to do", async () => {
  const starting = startHost("chord, peer 1", { kind: "peer", config: { backend: "chord", sip: [`udp:127.0.0.1:${port}`], logLevel: "error" } })
  expect(await complaint(starting)).toBe(`chord, peer 1: sip udp:127.0.0.1:${port}: expected a free port, found it taken; stop the other program or choose another`)
})

test("the npm package sip on a port that is taken ends with Node's word for it", async () => {
  const starting = startHost("sip", { kind: "sip-package", port }).then((host) => host.died)
  expect(await complaint(starting)).toMatch(new RegExp(`^sip has ended with exit code 1: Error: bind EADDRINUSE .*:${port}$`))
})

test.skipIf(kamailioVersion() === undefined)("Kamailio on a port that is taken is not waited for (skipped where it is not installed)", async () => {
  const starting = startKamailio((port, modulePath) => registrarConfiguration("example.org", port, modulePath), taken)
  expect(await complaint(starting)).toMatch(new RegExp(`^kamailio did not answer on port ${port}: .*Address already in use$`))
})

test.skipIf(dhtnode.missing() !== undefined)("dhtnode on a port that is taken is not waited for (skipped where it is not installed)", async () => {
  // One node finds the port taken on IPv4; two find it taken on both sides, by each other on IPv6, whichever comes second.
  expect(await complaint(startNodes(1, "spread", taken))).toBe(`dhtnode, node 1: port ${port} is taken; free it, or start again`)
  expect(await complaint(startNodes(2, "spread", taken))).toMatch(new RegExp(`^dhtnode, node [12]: port ${port} is taken; free it, or start again$`))
})

test("of what a dying process writes, the line that says why is kept, and no more of it than a line holds", () => {
  const node = "node:events:486\n      throw er; // Unhandled 'error' event\n      ^\n\nError: bind EADDRINUSE 127.0.0.1:5060\n    at node:dgram:400:20\n\nNode.js v24.0.0\n"
  expect(complaintOf(node)).toBe("Error: bind EADDRINUSE 127.0.0.1:5060")
  expect(complaintOf("TypeError: x is not a function\n    at y\n")).toBe("TypeError: x is not a function")
  expect(complaintOf("out of files\n\n")).toBe("out of files")
  expect(complaintOf("")).toBe("")
  expect(complaintOf("x".repeat(1000))).toHaveLength(200)
})
