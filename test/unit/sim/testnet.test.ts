import { expect, test } from "vitest"
import { createTestnet } from "../../../src/sim/testnet.ts"

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString()

test("a testnet is an overlay in three lines: what one peer stores, all others find", async () => {
  const testnet = await createTestnet(5)
  await testnet.servlets[0].put("sip:a@example.test", "1")
  for (const servlet of testnet.servlets) expect((await servlet.get("sip:a@example.test")).map(({ value }) => text(value))).toEqual(["1"])
  await testnet.stop()
  expect(testnet.servlets.every((servlet) => servlet.status().state === "left")).toBe(true)
})

test.each(["memory", "kademlia"])("a testnet of backend %s is asked for by name", async (backend) => {
  const testnet = await createTestnet(backend === "memory" ? 1 : 3, { backend })
  await testnet.servlets[0].put("k", "v")
  expect((await testnet.servlets.at(-1)?.get("k"))?.map(({ value }) => text(value))).toEqual(["v"])
  await testnet.stop()
})

test("a testnet grows, and outlives a peer that dies", async () => {
  const testnet = await createTestnet(4)
  await testnet.servlets[0].put("k", "v")
  const newcomer = await testnet.add()
  expect(testnet.servlets).toContain(newcomer)
  const [, victim] = testnet.servlets
  if (victim !== undefined) testnet.kill(victim)
  expect(testnet.servlets).toHaveLength(4)
  expect((await newcomer.get("k")).map(({ value }) => text(value))).toEqual(["v"])
  await testnet.stop()
})

test("whoever is killed is listed no more, the first one neither", async () => {
  const testnet = await createTestnet(2)
  const [first, second] = testnet.servlets
  testnet.kill(first)
  expect(testnet.servlets).toEqual([second])
  if (second !== undefined) testnet.kill(second)
  expect(() => testnet.servlets).toThrow(expect.objectContaining({ code: "P2PSIP_NOT_OPEN" }))
  await testnet.stop()
})

test("a testnet says what size it expects", async () => {
  await expect(createTestnet(0)).rejects.toThrow(/size: .*1 or more/)
})
