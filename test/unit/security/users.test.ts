import { describe, expect, it } from "vitest"
import { CachedUsers } from "../../../src/security/cached-users.ts"
import type { UserCacheOptions } from "../../../src/security/cached-users.ts"
import { hashA1 } from "../../../src/security/digest.ts"
import { ConfiguredUsers, UserDirectories } from "../../../src/security/users.ts"
import type { UserDirectory, Verifiers } from "../../../src/security/users.ts"
import { ManualRuntime, settle } from "../../support/manual-runtime.ts"

const verifiers: Verifiers = { MD5: "0".repeat(32) }

/** A directory that answers when told to. */
class SlowDirectory implements UserDirectory {
  readonly questions: string[] = []
  users: Record<string, Verifiers> = { "alice@example.org": verifiers }
  failure: Error | undefined

  async find(username: string, domain: string): Promise<Verifiers | undefined> {
    this.questions.push(`${username}@${domain}`)
    await Promise.resolve()
    if (this.failure) throw this.failure
    return this.users[`${username}@${domain}`]
  }
}

function cached(options: UserCacheOptions = {}) {
  const runtime = new ManualRuntime()
  const directory = new SlowDirectory()
  return { runtime, directory, users: new CachedUsers({ runtime, directory }, options) }
}

describe("a slow directory", () => {
  it("is asked once by all who want to know the same", async () => {
    const { directory, users } = cached()
    await Promise.all([users.find("alice", "example.org"), users.find("alice", "example.org")])
    expect(directory.questions).toEqual(["alice@example.org"])
    expect(users.find("alice", "example.org")).toBe(verifiers)
  })

  it("is asked again after a minute, and after five seconds about somebody it does not know", async () => {
    const { runtime, directory, users } = cached()
    await users.find("alice", "example.org")
    expect(await users.find("bob", "example.org")).toBe(undefined)
    expect(users.find("bob", "example.org")).toBe(undefined)
    directory.users["bob@example.org"] = verifiers
    runtime.advance(5000)
    expect(await users.find("bob", "example.org")).toBe(verifiers)
    expect(users.find("alice", "example.org")).toBe(verifiers)
    runtime.advance(55_000)
    expect(users.find("alice", "example.org")).toBeInstanceOf(Promise)
  })

  it("that fails is asked again at once", async () => {
    const { directory, users } = cached()
    directory.failure = new Error("away")
    await expect(users.find("alice", "example.org")).rejects.toThrow("away")
    directory.failure = undefined
    expect(await users.find("alice", "example.org")).toBe(verifiers)
  })

  it("that does not answer has ten seconds, and is asked again by who comes next", async () => {
    const runtime = new ManualRuntime()
    const answers: ((found: Verifiers) => void)[] = []
    const directory: UserDirectory = { find: () => new Promise((resolve) => void answers.push(resolve)) }
    const users = new CachedUsers({ runtime, directory }, { maxPending: 1 })
    const asked = users.find("alice", "example.org")
    await settle()
    runtime.advance(10_000)
    await expect(asked).rejects.toThrow("has not answered for 10000 ms")
    const again = users.find("alice", "example.org")
    await settle()
    answers[1]?.(verifiers)
    expect(await again).toBe(verifiers)
    expect(runtime.timersPending).toBe(0)
  })

  it("is not asked about more users at a time than allowed, and not more are remembered", async () => {
    const { directory, users } = cached({ maxPending: 2, maxUsers: 2 })
    const asked = [users.find("a", "x"), users.find("b", "x")]
    expect(() => users.find("c", "x")).toThrow("2 users are being looked up")
    for (const answer of asked) await answer
    await users.find("c", "x")
    expect(users.find("a", "x")).toBeInstanceOf(Promise)
    expect(directory.questions.slice(0, 3)).toEqual(["a@x", "b@x", "c@x"])
  })
})

describe("users of a configuration", () => {
  const options = { domains: ["example.org", "example.net"], algorithms: ["MD5"] } as const

  it("have a verifier for each domain, whose realm is its own", () => {
    const users = new ConfiguredUsers([{ username: "alice", password: "x" }], options)
    expect(users.find("alice", "example.net")).toEqual({ MD5: hashA1("MD5", "alice", "example.net", "x") })
    expect(users.find("alice", "example.com")).toBe(undefined)
  })

  it("have the same one everywhere where a realm is named", () => {
    const users = new ConfiguredUsers([{ username: "alice", password: "x" }], { ...options, realm: "Phones" })
    expect(users.find("alice", "example.net")).toEqual({ MD5: hashA1("MD5", "alice", "Phones", "x") })
  })

  it("can be those of one domain, and two of one name two persons", () => {
    const users = new ConfiguredUsers(
      [
        { username: "alice", domain: "Example.ORG", password: "x" },
        { username: "alice", domain: "example.net", password: "y" },
      ],
      options,
    )
    expect(users.find("alice", "example.org")).toEqual({ MD5: hashA1("MD5", "alice", "example.org", "x") })
    expect(users.find("alice", "example.net")).toEqual({ MD5: hashA1("MD5", "alice", "example.net", "y") })
  })

  it("with a stored hash are those of the first domain", () => {
    const users = new ConfiguredUsers([{ username: "alice", ha1: verifiers }], options)
    expect(users.find("alice", "example.org")).toEqual(verifiers)
    expect(users.find("alice", "example.net")).toBe(undefined)
  })
})

it("several directories are asked in turn, and waited for only where need be", async () => {
  const first = new ConfiguredUsers([{ username: "alice", password: "x" }], { domains: ["example.org"], algorithms: ["MD5"] })
  const slow = new SlowDirectory()
  slow.users = { "bob@example.org": verifiers }
  const users = new UserDirectories([first, slow])
  expect(users.find("alice", "example.org")).not.toBeInstanceOf(Promise)
  expect(await users.find("bob", "example.org")).toBe(verifiers)
  expect(await users.find("carol", "example.org")).toBe(undefined)
})
