import { cpSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, describe, expect, test } from "vitest"
import type { OverlayOptions } from "../../../src/overlay/index.ts"
import type { WorldPeer } from "../../support/overlay-world.ts"
import { OverlayWorld } from "../../support/overlay-world.ts"

const folders: string[] = []
const disks = new Map<string, string>()

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
  disks.clear()
})

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "p2psip-restart-"))
  folders.push(folder)
  return folder
}

async function worldOf(count: number, options: OverlayOptions = {}): Promise<OverlayWorld> {
  const world = new OverlayWorld(options)
  for (let left = count; left > 0; left--) await joinWith(world, newFolder())
  return world
}

async function joinWith(world: OverlayWorld, dataFolder: string, name?: string): Promise<WorldPeer> {
  const peer = await world.join({ dataFolder, ...(name === undefined ? {} : { name }) })
  disks.set(peer.name, dataFolder)
  return peer
}

/** Kills the peer; the result is the folder as it is found after that. */
function kill(world: OverlayWorld, peer: WorldPeer): string {
  const left = newFolder()
  cpSync(disks.get(peer.name) ?? "", left, { recursive: true })
  world.crash(peer)
  return left
}

const keys = Array.from({ length: 60 }, (_, at) => `key ${at}`)
const texts = async (world: OverlayWorld, peer: WorldPeer, key: string) =>
  (await world.run(peer.servlet.get(key, { consistency: "any" }))).map(({ value }) => Buffer.from(value).toString()).sort()

async function fill(world: OverlayWorld): Promise<void> {
  const [one] = world.peers
  for (const key of keys) await world.run(one?.servlet.put(key, "first", { valueHash: "hash", ttlSeconds: 3600 }) ?? Promise.reject(new Error("no peer")))
}

describe("a peer that comes back with its disk", () => {
  test("has its records, and takes over what was removed, replaced or has ended meanwhile", async () => {
    const world = await worldOf(4)
    await fill(world)
    const [one, victim] = world.peers as [WorldPeer, WorldPeer]
    await world.run(one.servlet.put("short", "lived", { ttlSeconds: 60 }))
    const left = kill(world, victim)
    await world.pass(60_000)
    for (const key of keys.slice(0, 10)) await world.run(one.servlet.remove(key, "hash"))
    for (const key of keys.slice(10, 20)) await world.run(one.servlet.put(key, "second", { valueHash: "hash", ttlSeconds: 3600 }))
    const returned = await joinWith(world, left, victim.name)
    expect(await texts(world, returned, "short")).toEqual([])
    for (const key of keys.slice(0, 10)) expect(await texts(world, returned, key)).toEqual([])
    for (const key of keys.slice(10, 20)) expect(await texts(world, returned, key)).toEqual(["second"])
    for (const key of keys.slice(20)) expect(await texts(world, returned, key)).toEqual(["first"])
    await world.pass(300_000)
    for (const peer of world.peers) for (const key of keys.slice(0, 10)) expect(await texts(world, peer, key)).toEqual([])
    expect(world.errors).toEqual([])
  })

  test("is sent only what it lacks", async () => {
    const bytesOfReturn = async (isBlank: boolean): Promise<number> => {
      const world = await worldOf(4)
      for (const key of keys) await world.run(world.peers[0]?.servlet.put(key, "x".repeat(2_000), { ttlSeconds: 3600 }) ?? Promise.reject(new Error("no peer")))
      const [, victim] = world.peers as [WorldPeer, WorldPeer]
      const left = kill(world, victim)
      await world.pass(10_000)
      const before = world.simulation.network.bytesSent
      await joinWith(world, isBlank ? newFolder() : left, victim.name)
      return world.simulation.network.bytesSent - before
    }
    expect(await bytesOfReturn(false)).toBeLessThan((await bytesOfReturn(true)) / 3)
  })
})

test("an overlay all of whose peers died at once comes back with everything that it acknowledged", async () => {
  const world = await worldOf(3)
  await fill(world)
  const left = world.peers.map(({ name }) => name)
  const found = [...world.peers].map((peer) => kill(world, peer))
  await world.pass(5_000)
  for (const [at, name] of left.entries()) await joinWith(world, found[at] ?? "", name)
  for (const peer of world.peers) for (const key of keys) expect(await texts(world, peer, key)).toEqual(["first"])
})

test("an operation repeated after its owner's restart is made once", async () => {
  const world = await worldOf(1)
  const [one] = world.peers as [WorldPeer]
  const operation = { operationId: Buffer.from("12345678"), sequence: { series: "call", number: 1 } }
  await world.run(one.servlet.put("key", "value", operation))
  const returned = await joinWith(world, kill(world, one), one.name)
  await world.run(returned.servlet.put("key", "value", operation))
  await expect(world.run(returned.servlet.put("key", "value", { ...operation, operationId: Buffer.from("87654321") }))).rejects.toMatchObject({ code: "P2PSIP_OUT_OF_ORDER" })
})

test("a change after a restart wins over those before, though the clock was set back", async () => {
  const world = await worldOf(1)
  const [one] = world.peers as [WorldPeer]
  await world.run(one.servlet.put("key", "first", { valueHash: "hash" }))
  const returned = await world.add({ name: one.name, dataFolder: kill(world, one) })
  returned.process.runtime.clockError.skewMs = -3_600_000
  await world.run(returned.servlet.join())
  await world.run(returned.servlet.put("key", "second", { valueHash: "hash" }))
  expect(await texts(world, returned, "key")).toEqual(["second"])
})

test("a peer whose disk is full refuses changes with a clear error, and goes on answering", async () => {
  const world = await worldOf(1, { journal: { maxFileBytes: 65_536 } })
  const [one] = world.peers as [WorldPeer]
  const write = (at: number) => world.run(one.servlet.put(`key ${at}`, "x".repeat(10_000), { ttlSeconds: 3600 }))
  let stored = 0
  const refusal = await (async () => {
    for (; stored < 100; stored++) await write(stored)
  })().catch((error: unknown) => error)
  expect(refusal).toMatchObject({ code: "P2PSIP_STORAGE" })
  await expect(write(99)).rejects.toMatchObject({ code: "P2PSIP_STORAGE" })
  expect(await texts(world, one, "key 99")).toEqual([])
  expect(await texts(world, one, "key 0")).toHaveLength(1)
})
