import assert from "node:assert/strict"
import type { LookupEvent, P2PSipServlet } from "../../src/servlet/index.ts"
import { texts } from "./scene.ts"
import type { Suite } from "./scene.ts"

async function eventsOf(servlet: P2PSipServlet, key: string, signal?: AbortSignal): Promise<LookupEvent[]> {
  const events: LookupEvent[] = []
  for await (const event of servlet.lookup(key, signal === undefined ? {} : { signal })) events.push(event)
  return events
}

export function lookup({ describe, it }: Suite): void {
  describe("lookup", () => {
    it("ends with done: the owner, its replica set and the values", async ({ one, other, run }) => {
      await run(one.put("key", "value"))
      const last = (await run(eventsOf(other, "key"))).at(-1)
      assert.ok(last?.name === "done", `found ${last?.name}`)
      assert.deepEqual(texts(last.values), ["value"])
      assert.equal(last.replicas[0]?.peerId, last.owner.peerId)
      assert.ok(last.elapsedMs >= 0 && last.hops >= 0)
    })

    it("names the same owner wherever it starts", async ({ servlets, run }) => {
      for (let number = 0; number < 10; number++) {
        const owners = new Set<string>()
        for (const servlet of servlets) {
          const last = (await run(eventsOf(servlet, `key ${number}`))).at(-1)
          assert.ok(last?.name === "done")
          owners.add(last.owner.peerId)
        }
        assert.equal(owners.size, 1)
      }
    })

    it("tells of each hop before its answer, and counts them from 1", async ({ servlets, run }) => {
      for (const servlet of servlets) {
        let hops = 0
        const asked = new Set<string>()
        for (const event of await run(eventsOf(servlet, "key"))) {
          if (event.name === "hop") {
            assert.ok(event.hop >= hops && event.hop <= hops + 1, `hop ${event.hop} after ${hops}`)
            hops = event.hop
            asked.add(event.peer.peerId)
          } else if (event.name === "answer" || event.name === "timeout") {
            assert.ok(asked.has(event.peer.peerId))
          }
        }
      }
    })

    it("shows an abort as failed", async ({ one, run }) => {
      const events = await run(eventsOf(one, "key", AbortSignal.abort()))
      assert.deepEqual(events.map(({ name }) => name), ["failed"])
      assert.ok(events[0]?.name === "failed" && events[0].code === "P2PSIP_ABORTED")
    })

    it("may be left before its end", async ({ other, run, texts }) => {
      const first = async (): Promise<string | undefined> => {
        for await (const event of other.lookup("key")) return event.name
        return undefined
      }
      assert.notEqual(await run(first()), undefined)
      assert.deepEqual(await texts("key"), [])
    })
  })
}
