import { test } from "vitest"
import type { PeerConfigInput } from "../../src/peer/config.ts"
import type { Phone } from "./phone.ts"
import type { PhoneSettings } from "./phone-settings.ts"
import { TestDnsServer } from "../support/dns-server.ts"
import { Stage, type StagePeer } from "./stage.ts"

/** What a script has in hand. */
export interface Scene {
  readonly stage: Stage
  /** The first peer. */
  readonly peer: StagePeer
  /** What all peers ask. */
  readonly dns: TestDnsServer
  /** A phone that has not registered. */
  readonly phone: (name: string, settings?: PhoneSettings) => Promise<Phone>
  /** A phone that has registered. */
  readonly registered: (name: string, settings?: PhoneSettings) => Promise<Phone>
  /** Lets time pass. */
  readonly pass: (ms: number) => Promise<void>
}

/** What is otherwise than usual in a scenario. */
export interface Setting {
  /** Of the first peer. */
  readonly config?: PeerConfigInput
}

/** One named scenario; see README.md in this folder. */
export function scenario(title: string, play: (scene: Scene) => Promise<void>, setting: Setting = {}): void {
  test(title, async () => {
    const dns = new TestDnsServer()
    await dns.start()
    const stage = new Stage(dns)
    try {
      await stage.servlet.join([])
      const peer = await stage.addPeer(setting.config)
      const phone = (name: string, settings?: PhoneSettings): Promise<Phone> => stage.addPhone(name, settings)
      await play({
        stage,
        peer,
        dns,
        phone,
        registered: async (name, settings) => {
          const added = await phone(name, settings)
          const { status } = await added.registers()
          if (status !== 200) throw new Error(`${name} could not register: ${status}\n${stage.story()}`)
          return added
        },
        pass: (ms) => stage.pass(ms),
      })
      await stage.check()
    } finally {
      await stage.end()
      await dns.stop()
    }
  })
}
