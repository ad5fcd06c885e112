/** What holds for a forked call whatever its phones do, and in whatever order (RFC 3261 §16.7, RFC 6026). */
import fc from "fast-check"
import { describe, expect, test, vi } from "vitest"
import { SipRequest, SipResponse } from "../../../../src/sip/message/index.ts"
import { domain, World, type Peer, type Phone } from "../../../support/sip-world.ts"

/** One of bob's phones: how it registers. */
interface Callee {
  readonly q: number
  readonly isTcp: boolean
  /** At the peer that the caller does not use. */
  readonly isElsewhere: boolean
  /** Whether it ends the INVITE when it is cancelled, as it must. */
  readonly obeys: boolean
}

type Event =
  | { readonly kind: "answer"; readonly phone: number; readonly status: number }
  | { readonly kind: "cancel" }
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "break"; readonly phone: number }

const callee: fc.Arbitrary<Callee> = fc.record({ q: fc.constantFrom(0.5, 1, 1), isTcp: fc.boolean(), isElsewhere: fc.boolean(), obeys: fc.boolean() })
const phoneNumber = fc.nat(3)
const rings = fc.constantFrom(100, 180, 183)
const ends = fc.constantFrom(200, 200, 200, 302, 401, 404, 408, 430, 480, 486, 503, 600, 603)
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("answer" as const), phone: phoneNumber, status: rings }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("answer" as const), phone: phoneNumber, status: ends }) },
  { weight: 1, arbitrary: fc.constant({ kind: "cancel" as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.constantFrom(10, 600, 3000, 21_000, 33_000, 191_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("break" as const), phone: phoneNumber }) },
)

/** One phone's part in the call. */
interface Role {
  readonly phone: Phone
  readonly callee: Callee
  invite: SipRequest | undefined
  invitedAt: number
  /** When it said first, and last, that it is there; 0 where it has not. */
  firstHeardAt: number
  heardAt: number
  cancelledAt: number
  final: number | undefined
  finalAt: number
  /** Its 2xx was sent while the proxy was bound to listen. */
  hasAnsweredInTime: boolean
  isBroken: boolean
}

class Course {
  readonly world = new World()
  readonly peers: readonly Peer[]
  readonly caller: Phone
  readonly roles: Role[] = []
  /** What the caller got, without retransmissions. */
  readonly got: string[] = []
  #invite: SipRequest | undefined
  #cancelledAt = Infinity
  #successAt = Infinity

  constructor() {
    this.peers = [this.world.addPeer(1), this.world.addPeer(2)]
    this.caller = this.world.addPhone("alice", "192.0.2.1", this.#peer(0))
  }

  #peer(index: number): Peer {
    const peer = this.peers[index]
    if (peer === undefined) throw new Error("there are two peers")
    return peer
  }

  async begin(callees: readonly Callee[]): Promise<void> {
    for (const [index, settings] of callees.entries()) {
      const phone = this.world.addPhone(`b${index}`, `192.0.2.${10 + index}`, this.#peer(settings.isElsewhere ? 1 : 0), settings.isTcp ? "TCP" : "UDP")
      expect((await phone.register({ Contact: `<${phone.contact}>;q=${settings.q}` }, "bob")).status).toBe(200)
      this.roles.push({
        phone, callee: settings, invite: undefined, invitedAt: 0, firstHeardAt: 0, heardAt: 0, cancelledAt: Infinity, final: undefined, finalAt: Infinity, hasAnsweredInTime: false, isBroken: false,
      })
    }
    this.#invite = this.caller.request("INVITE", `sip:bob@${domain}`)
    this.caller.send(this.#invite)
    await this.pass(10)
  }

  async play(event: Event): Promise<void> {
    const role = "phone" in event ? this.roles[event.phone] : undefined
    if (event.kind === "answer" && role !== undefined) this.#answer(role, event.status)
    else if (event.kind === "break" && role?.callee.isTcp === true) this.#break(role)
    else if (event.kind === "cancel") this.#cancel()
    await this.pass(event.kind === "pass" ? event.ms : 10)
  }

  /** In small steps, so that phones react while time passes. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 400) {
      await this.world.run(Math.min(left, 400))
      for (const role of this.roles) this.#serve(role)
      this.#listen()
    }
    await this.world.run(10)
    this.#listen()
  }

  #answer(role: Role, status: number): void {
    const { invite, phone } = role
    if (invite === undefined || role.final !== undefined) return
    const now = this.world.runtime.now()
    const isAwaited = now < role.invitedAt + 31_000 || (role.heardAt > 0 && now < role.heardAt + 150_000)
    if (status >= 200 && status < 300) role.hasAnsweredInTime = isAwaited && now < role.cancelledAt + 31_000 && !role.isBroken
    if (status >= 200) {
      role.final = status
      role.finalAt = now
    } else if (isAwaited) {
      role.heardAt = now
      role.firstHeardAt ||= now
    }
    phone.reply(invite, status, status === 302 ? [["Contact", "<sip:nobody@example.org>"]] : status === 401 ? [["WWW-Authenticate", 'Digest realm="b", nonce="n"']] : [])
  }

  #break({ phone }: Role): void {
    const { transport, peer } = phone
    const role = this.roles.find((other) => other.phone === phone)
    if (role !== undefined) role.isBroken = true
    peer.tcp.flowTo(transport.advertised).close()
  }

  #cancel(): void {
    const invite = this.#invite
    if (invite === undefined || this.#cancelledAt !== Infinity) return
    this.#cancelledAt = this.world.runtime.now()
    const kept = [...invite.headers].filter(([name]) => ["Via", "From", "To", "Call-ID", "Max-Forwards"].includes(name))
    this.caller.send(SipRequest.create("CANCEL", invite.uri, [...kept, ["CSeq", "1 CANCEL"]]))
  }

  /** What a phone does with what comes. */
  #serve(role: Role): void {
    const { phone, callee } = role
    const now = this.world.runtime.now()
    for (const { message } of [...phone.inbox]) {
      if (!(message instanceof SipRequest)) continue
      const request = phone.takeRequest(message.method)
      if (request.method === "INVITE" && role.invite === undefined) {
        expect(now, "no phone rings that had not rung when the caller hung up").toBeLessThanOrEqual(this.#cancelledAt + 500)
        role.invite = request
        role.invitedAt = now
      } else if (request.method === "CANCEL") {
        expect(role.heardAt > 0, "no phone is cancelled before it has said anything (§9.1)").toBe(true)
        role.cancelledAt = Math.min(role.cancelledAt, now)
        phone.reply(request, 200)
        if (callee.obeys) this.#answer(role, 487)
      }
    }
  }

  /** The caller acknowledges, and notes what is new. */
  #listen(): void {
    for (const { message } of this.caller.inbox.splice(0)) {
      if (!(message instanceof SipResponse) || message.cseq.method !== "INVITE" || message.status < 200) continue
      const text = `${message.status} ${message.to.tag}`
      if (!this.got.includes(text)) this.got.push(text)
      if (message.status < 300) this.#successAt = Math.min(this.#successAt, this.world.runtime.now())
      if (message.status < 300) this.caller.send(this.caller.inDialog("ACK", message, 1))
      else this.caller.send(this.#ackFor(message))
    }
  }

  #ackFor(response: SipResponse): SipRequest {
    const invite = this.#invite ?? this.caller.request("INVITE", "sip:nobody@example.org")
    const ack = SipRequest.create("ACK", invite.uri, [...invite.headers].filter(([name]) => ["Via", "From", "Call-ID", "Max-Forwards"].includes(name)))
    ack.headers.append("To", response.headers.get("To") ?? "")
    ack.headers.append("CSeq", "1 ACK")
    return ack
  }

  check(): void {
    const { got, roles } = this
    expect(got.length, "the caller is told how it ended").toBeGreaterThan(0)
    const refusals = got.filter((text) => !text.startsWith("2"))
    expect(refusals.length, "one refusal at most").toBeLessThanOrEqual(1)
    const firstSuccess = got.findIndex((text) => text.startsWith("2"))
    if (firstSuccess >= 0) expect(got.slice(firstSuccess).every((text) => text.startsWith("2")), "no refusal after a success").toBe(true)
    for (const { phone, hasAnsweredInTime } of roles) {
      if (hasAnsweredInTime) expect(got, "who picks up in time has the call").toContain(`200 ${phone.name}`)
    }
    for (const { invite, firstHeardAt, final, finalAt, cancelledAt, isBroken } of roles) {
      if (invite === undefined || firstHeardAt === 0 || isBroken) continue
      if (final === undefined) expect(cancelledAt, "nobody rings for ever").toBeLessThan(Infinity)
      const isLateAt = Math.max(this.#successAt, firstHeardAt) + 1000
      if (finalAt > isLateAt) expect(cancelledAt, "nobody rings on when somebody has picked up").toBeLessThan(isLateAt)
    }
    for (const peer of this.peers) expect(peer.layer.size).toBe(0)
  }
}

describe("a forked call", () => {
  test("ends well, whatever its phones do", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(callee, { minLength: 1, maxLength: 4, size: "max" }), fc.array(event, { maxLength: 14, size: "max" }), async (callees, events) => {
        const course = new Course()
        const errors = vi.spyOn(course.world.runtime.log, "error")
        await course.begin(callees)
        for (const one of events) await course.play(one)
        await course.pass(400_000)
        await course.world.run(100_000)
        course.check()
        expect(errors.mock.calls).toEqual([])
      }),
    )
  })
})
