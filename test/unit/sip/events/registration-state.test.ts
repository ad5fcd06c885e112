import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { isActive, nothingKnown, observe, type ContactState } from "../../../../src/sip/events/registration-state.ts"
import type { Binding } from "../../../../src/sip/registrar/location-service.ts"

const binding = (user: number, cseq = 1, expiresSeconds = 100): Binding =>
  ({ contact: `sip:${user}@192.0.2.1`, parameters: "", qThousandths: 1000, expiresSeconds, callId: "c", cseq, path: [], userAgent: "" })

const bindings = fc.uniqueArray(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 3 })), { selector: ([user]) => user })
  .map((list) => list.map(([user, cseq]) => binding(user, cseq)))

describe("observe", () => {
  it("tells changes from which a subscriber knows what there is (RFC 3680 §5.2)", () => {
    fc.assert(fc.property(fc.array(bindings), (history) => {
      let state = nothingKnown
      const table = new Map<string, ContactState>()
      for (const [at, found] of history.entries()) {
        const step = observe(state, found, at * 1000)
        state = step.state
        for (const change of step.changes) {
          if (isActive(change)) table.set(change.id, change)
          else table.delete(change.id)
        }
        const known = [...table.values()].map((contact) => contact.binding)
        expect(known.map(({ contact, cseq }) => `${contact} ${cseq}`).sort()).toEqual(found.map(({ contact, cseq }) => `${contact} ${cseq}`).sort())
      }
    }))
  })

  it("tells nothing twice", () => {
    fc.assert(fc.property(bindings, (found) => {
      const { state } = observe(nothingKnown, found, 0)
      expect(observe(state, found, 5000)).toEqual({ state, changes: [] })
    }))
  })

  it("goes from init to active to terminated, and never back to init", () => {
    const phases = []
    let state = nothingKnown
    for (const found of [[], [binding(1)], [], [binding(1)]]) {
      state = observe(state, found, 0).state
      phases.push(state.phase)
    }
    expect(phases).toEqual(["init", "active", "terminated", "active"])
  })

  it.each([
    ["unregistered", 98_000],
    ["expired", 100_000],
  ])("says %s of a contact that is gone after %i ms of 100,000", (event, now) => {
    const { state } = observe(nothingKnown, [binding(1)], 0)
    expect(observe(state, [], now).changes).toMatchObject([{ event }])
  })

  it("remembers since when a contact has been there", () => {
    const { state } = observe(nothingKnown, [binding(1)], 1000)
    expect(observe(state, [binding(1, 2)], 9000).changes).toMatchObject([{ event: "refreshed", since: 1000, until: 109_000 }])
  })
})
