import { expect, test } from "vitest"
import { MemoryServlet } from "../../../backends/memory/index.ts"
import { OverlayGruuKeys } from "../../../src/peer/gruu-keys.ts"
import type { GruuKey } from "../../../src/sip/registrar/gruu-key.ts"
import { ManualRuntime } from "../../support/manual-runtime.ts"

const weekMs = 7 * 86_400_000

async function overlay() {
  const runtime = new ManualRuntime()
  const servlet = new MemoryServlet({ runtime })
  await servlet.join([])
  return { runtime, servlet, peer: () => new OverlayGruuKeys({ runtime, servlet }) }
}

async function opens(keys: OverlayGruuKeys, sealed: GruuKey | undefined): Promise<boolean> {
  if (sealed === undefined) throw new Error("expected a key to seal with")
  const key = await keys.find(sealed.number)
  return key?.open(sealed.seal(Buffer.from("text"), "context"), "context")?.toString() === "text"
}

test("all peers have one secret, whoever made it", async () => {
  const { peer } = await overlay()
  const [one, other, late] = [peer(), peer(), peer()]
  const [first, second] = await Promise.all([one.current(), other.current()])
  expect(await opens(other, first)).toBe(true)
  expect(await opens(one, second)).toBe(true)
  expect(await opens(late, first)).toBe(true)
})

test("each week has another secret; that of eight weeks ago still opens, the one before does not", async () => {
  const { runtime, peer } = await overlay()
  const keys = peer()
  const first = await keys.current()
  await runtime.advanceAsync(weekMs)
  const second = await keys.current()
  expect(second?.number).toBe((first?.number ?? 0) + 1)
  await runtime.advanceAsync(7 * weekMs)
  expect(await opens(keys, first)).toBe(true)
  expect(await opens(peer(), first)).toBe(true)
  await runtime.advanceAsync(weekMs)
  expect(await opens(keys, first)).toBe(false)
  expect(await opens(peer(), second)).toBe(true)
})

test("numbers that nobody has made are asked for once in half a minute, those out of range never", async () => {
  const { runtime, servlet } = await overlay()
  let asked = 0
  const counting = { get: (...args: Parameters<typeof servlet.get>) => (asked++, servlet.get(...args)), putOrGet: servlet.putOrGet.bind(servlet) }
  const keys = new OverlayGruuKeys({ runtime, servlet: counting })
  const now = Math.floor(runtime.wallClock() / weekMs)
  for (let i = 0; i < 3; i++) expect(await keys.find(now)).toBeUndefined()
  expect(asked).toBe(1)
  for (const number of [now - 9, now + 2, 65_535]) await keys.find(number)
  expect(asked).toBe(1)
  // What strangers ask for does not keep this peer from making one.
  expect((await keys.current())?.number).toBe(now)
})

test("an overlay that is away gives none, is left alone for half a minute, and asked again then", async () => {
  const { runtime, servlet } = await overlay()
  let isAway = true
  let asked = 0
  const putOrGet: typeof servlet.putOrGet = (...args) => {
    asked++
    return isAway ? Promise.reject(new Error("away")) : servlet.putOrGet(...args)
  }
  const keys = new OverlayGruuKeys({ runtime, servlet: { get: servlet.get.bind(servlet), putOrGet } })
  for (let i = 0; i < 3; i++) expect(await keys.current()).toBeUndefined()
  expect(asked).toBe(1)
  isAway = false
  await runtime.advanceAsync(30_000)
  expect(await keys.current()).toBeDefined()
})

test("what is no secret is counted and used by nobody", async () => {
  const { runtime, servlet, peer } = await overlay()
  await servlet.put(`p2psip:gruu:${Math.floor(runtime.wallClock() / weekMs)}`, "nonsense")
  expect(await peer().current()).toBeUndefined()
  expect(runtime.metrics.count("p2psip_malformed_gruu_keys_total")).toBe(1)
})
