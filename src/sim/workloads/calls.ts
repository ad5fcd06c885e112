/**
 * Phones that register with the peers' registrars, and call each other through
 * their proxies: the whole SIP side of every peer, over a network that loses
 * and doubles datagrams.
 *
 * Each phone knows what was acknowledged to it. From that follows who must be
 * reached, and who must not.
 */
import { parseConfig } from "../../peer/config.ts"
import { ServletLocation } from "../../peer/location.ts"
import { SipEdge } from "../../peer/sip-edge.ts"
import { UserAgent } from "../../sip/agent/index.ts"
import type { HostPort } from "../../sip/transport/index.ts"
import type { Fleet, FleetMember } from "../fleet.ts"
import { PhoneNetwork } from "../phone-network.ts"
import { SimRandom } from "../sim-random.ts"

export interface CallOptions {
  readonly phones: number
  /** Calls per second in the whole overlay. */
  readonly perSecond: number
  /** @default 600 */
  readonly expiresSeconds?: number
  /** A phone switches itself off, and on again, about that often. @default 120_000 */
  readonly meanUpMs?: number
  /** @default 0.02 */
  readonly lossRate?: number
  /** @default 0.01 */
  readonly duplicationRate?: number
}

/** Something that must not be; `isSafety` at any time, otherwise only as long as nobody is taken for dead wrongly. */
export interface CallFault {
  readonly isSafety: boolean
  readonly law: string
  readonly detail: string
}

interface Phone {
  readonly name: string
  readonly addressOfRecord: string
  readonly agent: UserAgent
  readonly random: SimRandom
  /** The peer that it registered with, and whether that was acknowledged. */
  proxy: FleetMember | undefined
  state: "registered" | "removed" | "unknown"
  /** Changes whenever any of this does. */
  version: number
}

const domain = "sim.test"
const oneWayMs = 5
/** After a change among the peers calls must come through again. */
const recoveryMs = 10_000
/** Longer than any transaction. */
const patienceMs = 40_000
const holdMs = 3_000
/** A phone looks so often whether its peer is there, as by keep-alives. */
const lookMs = 1_000
const retryMs = 2_000
const maxFaults = 20

/** See the head of this file. */
export class Calls {
  readonly #fleet: Fleet
  readonly #options: Required<CallOptions>
  readonly #network: PhoneNetwork
  readonly #random: SimRandom
  readonly #addresses = new WeakMap<FleetMember, HostPort>()
  readonly #phones: Phone[] = []
  /** Who is called, by Call-ID. */
  readonly #callees = new Map<string, Phone>()
  readonly #config = parseConfig({ domains: [domain], openRegistration: true })
  readonly faults: CallFault[] = []
  readonly setUpMs: number[] = []
  readonly failures = new Map<number, number>()
  /** Calls of which it was certain how they must end. */
  judged = 0
  established = 0
  #isRunning = false

  /** To be made before the first peer starts: each gets a registrar and a proxy. */
  constructor(components: { readonly fleet: Fleet }, options: CallOptions) {
    this.#fleet = components.fleet
    this.#options = { expiresSeconds: 600, meanUpMs: 120_000, lossRate: 0.02, duplicationRate: 0.01, ...options }
    const { seed } = this.#fleet.simulation
    this.#network = new PhoneNetwork(seed, { lossRate: this.#options.lossRate, duplicationRate: this.#options.duplicationRate, oneWayMs })
    this.#random = new SimRandom(seed, "calls")
    this.#fleet.onStart = (member) => void this.#serve(member)
  }

  start(): void {
    this.#isRunning = true
    for (let number = 0; number < this.#options.phones; number++) void this.#live(this.#createPhone(`sip-phone${number}`))
    void this.#place()
  }

  stop(): void {
    this.#isRunning = false
  }

  /** The SIP side of a peer, as the daemon puts it together. */
  async #serve(member: FleetMember): Promise<void> {
    const { runtime, link } = member.peer
    const transport = this.#network.attach(runtime)
    const location = new ServletLocation({ runtime, servlet: member.servlet })
    const edge = new SipEdge({ runtime, link, location, secret: Buffer.alloc(32, member.name), listeners: [transport] }, this.#config)
    await edge.start()
    this.#addresses.set(member, transport.advertised)
  }

  #createPhone(name: string): Phone {
    const { simulation } = this.#fleet
    const { runtime } = simulation.addPeer(name)
    const addressOfRecord = `sip:${name}@${domain}`
    const agent = new UserAgent({ runtime, transport: this.#network.attach(runtime) }, { addressOfRecord, proxy: { host: "10.255.255.255", port: 5060 } })
    const phone: Phone = {
      name, addressOfRecord, agent, random: new SimRandom(simulation.seed, name), proxy: undefined, state: "unknown", version: 0,
    }
    agent.onEvent((event) => {
      if (event.name !== "incoming") return
      const callee = this.#callees.get(event.call.callId)
      if (callee !== phone) this.#complain(true, "a call reaches nobody else", `${name} was rung up instead of ${callee?.name ?? "nobody"}`)
      event.call.ring()
      event.call.answer()
    })
    this.#phones.push(phone)
    return phone
  }

  /** Registers, stays for a while or until its peer is gone, says good-bye, comes back. */
  async #live(phone: Phone): Promise<void> {
    const { simulation } = this.#fleet
    const { expiresSeconds, meanUpMs } = this.#options
    await phone.agent.start()
    await simulation.sleep(5_000 * phone.random.float())
    while (this.#isRunning) {
      const proxy = phone.random.pick(this.#fleet.serving)
      const address = proxy && this.#addresses.get(proxy)
      if (proxy === undefined || address === undefined) {
        await simulation.sleep(lookMs)
        continue
      }
      this.#become(phone, "unknown", proxy)
      phone.agent.useProxy(address)
      const registered = await phone.agent.register({ expiresSeconds })
      if (registered.kind === "failed") {
        await simulation.sleep(retryMs)
        continue
      }
      this.#become(phone, "registered", proxy)
      const until = simulation.now + 1_000 + phone.random.exponential(meanUpMs)
      while (this.#isServing(proxy) && simulation.now < until) await simulation.sleep(lookMs)
      this.#become(phone, "unknown", proxy)
      if (!this.#isServing(proxy)) continue
      const removed = await phone.agent.unregister()
      if (removed.kind === "registered") this.#become(phone, "removed", undefined)
      await simulation.sleep(phone.random.exponential(10_000))
    }
  }

  async #place(): Promise<void> {
    const { simulation } = this.#fleet
    for (;;) {
      await simulation.sleep(this.#random.exponential(1000 / this.#options.perSecond))
      if (!this.#isRunning) return
      const caller = this.#random.pick(this.#phones.filter(({ state, proxy }) => state === "registered" && this.#isServing(proxy)))
      const callee = this.#random.pick(this.#phones)
      if (caller !== undefined && callee !== undefined && caller !== callee) void this.#call(caller, callee)
    }
  }

  async #call(caller: Phone, callee: Phone): Promise<void> {
    const { simulation } = this.#fleet
    const startedAt = simulation.now
    const isCalm = startedAt - this.#fleet.lastChangeAt > recoveryMs
    const expected = callee.state
    const versions = [caller.version, callee.version]
    const call = caller.agent.call(callee.addressOfRecord)
    this.#callees.set(call.callId, callee)
    const outcome = await Promise.race([call.outcome, simulation.sleep(patienceMs).then(() => ({ kind: "failed", status: 0 }) as const)])
    const isEstablished = outcome.kind === "established"
    if (isEstablished) {
      this.established++
      this.setUpMs.push(simulation.now - startedAt)
    } else {
      this.failures.set(outcome.status, (this.failures.get(outcome.status) ?? 0) + 1)
    }
    const isSame = caller.version === versions[0] && callee.version === versions[1] && this.#fleet.lastChangeAt < startedAt
    if (isCalm && isSame && this.#isServing(callee.proxy ?? caller.proxy) && expected !== "unknown") {
      this.judged++
      const what = `${caller.name} at ${caller.proxy?.name} calls ${callee.name} at ${callee.proxy?.name ?? "no peer"} at ${Math.round(startedAt)} ms`
      const how = outcome.kind === "established" ? "established" : `failed with ${outcome.status}`
      if (isEstablished !== (expected === "registered")) {
        const law = isEstablished ? "a call does not reach a phone that has unregistered" : "a call reaches the phone that is registered"
        this.#complain(false, law, `${what}: ${how}`)
      }
    }
    if (isEstablished) {
      await simulation.sleep(holdMs)
      call.hangUp()
    }
    await simulation.sleep(patienceMs)
    this.#callees.delete(call.callId)
  }

  #isServing(member: FleetMember | undefined): boolean {
    return member !== undefined && !member.isLeaving && this.#fleet.member(member.name) === member
  }

  #become(phone: Phone, state: Phone["state"], proxy: FleetMember | undefined): void {
    phone.state = state
    phone.proxy = proxy
    phone.version++
  }

  #complain(isSafety: boolean, law: string, detail: string): void {
    if (this.faults.length < maxFaults) this.faults.push({ isSafety, law, detail })
  }
}
