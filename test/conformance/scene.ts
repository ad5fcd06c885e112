/** What a backend brings to the suite, and the words in which the tests are written. */
import assert from "node:assert/strict"
import { isP2PSipError } from "../../src/errors.ts"
import type { ErrorCode } from "../../src/errors.ts"
import type { Capabilities, P2PSipServlet, Value } from "../../src/servlet/index.ts"

/** One overlay, for one test. */
export interface Network {
  /** A servlet in state `new`, fit to join (its Link started). */
  create(): Promise<P2PSipServlet>
  /** What the next servlet joins by: addresses of servlets that are joined, none for the first. */
  bootstrap(): readonly string[]
  /** Waits for the work; where time is virtual, moves it on meanwhile, as little as needed. */
  run<T>(work: Promise<T>): Promise<T>
  /** Moves virtual time. Never called unless `virtualTime` is true. */
  advance(ms: number): Promise<void>
  /** Stops a servlet without a word to anybody, where the backend's tests can do that. */
  crash?(servlet: P2PSipServlet): Promise<void>
  /** Lets go of everything. */
  close(): Promise<void>
}

/** What {@link conformance} needs to know; `describe` and `it` are those of vitest, node:test, mocha or jest. */
export interface ConformanceOptions {
  readonly describe: (name: string, body: () => void) => unknown
  readonly it: (name: string, body: () => Promise<void>) => unknown
  /** The backend's name, and over what. */
  readonly name: string
  /** What the backend claims; tests of anything else are left out. */
  readonly capabilities: Capabilities
  /** Whether `Network.advance` moves a virtual clock; without one, nothing that takes time is tested. */
  readonly virtualTime: boolean
  createNetwork(): Promise<Network>
}

/** A network with its servlets joined. */
export interface Scene {
  readonly network: Network
  readonly servlets: readonly P2PSipServlet[]
  /** Where things are written. */
  readonly one: P2PSipServlet
  /** Where they are read: another peer, where the backend is distributed. */
  readonly other: P2PSipServlet
  readonly run: <T>(work: Promise<T>) => Promise<T>
  /** Expects the work to fail with that code; returns the error. */
  readonly rejects: (work: Promise<unknown>, code: ErrorCode) => Promise<Error>
  /** The live values of a key as sorted text, read at `other`. */
  readonly texts: (key: string) => Promise<string[]>
}

/** Declares tests that each get a fresh scene. */
export interface Suite {
  readonly options: ConformanceOptions
  readonly describe: (name: string, body: () => void) => void
  /** A test on a scene of `peers` servlets (one, where the backend is not distributed). */
  readonly it: (name: string, body: (scene: Scene) => Promise<void>, peers?: number) => void
}

/** Three peers are the least where writer, reader and owner may differ. */
const defaultPeers = 3

/** Binds the words of the suite to a backend. */
export function createSuite(options: ConformanceOptions): Suite {
  return {
    options,
    describe: (name, body) => void options.describe(name, body),
    it: (name, body, peers = defaultPeers) =>
      void options.it(name, async () => {
        const network = await options.createNetwork()
        try {
          await body(await createScene(network, options.capabilities.distributed ? peers : 1))
        } finally {
          await network.close()
        }
      }),
  }
}

async function createScene(network: Network, peers: number): Promise<Scene> {
  const servlets: P2PSipServlet[] = []
  for (let count = 0; count < peers; count++) {
    const servlet = await network.create()
    await network.run(servlet.join(network.bootstrap()))
    servlets.push(servlet)
  }
  const one = servlets[0]
  const other = servlets.at(-1)
  assert(one !== undefined && other !== undefined)
  const run = <T>(work: Promise<T>): Promise<T> => network.run(work)
  return {
    network,
    servlets,
    one,
    other,
    run,
    rejects: (work, code) => rejects(run(work), code),
    texts: async (key) => texts(await run(other.get(key))),
  }
}

/** Expects the work to fail with that code; returns the error. */
export async function rejects(work: Promise<unknown>, code: ErrorCode): Promise<Error> {
  try {
    await work
  } catch (error) {
    if (isP2PSipError(error, code)) return error
    throw new assert.AssertionError({ message: `expected ${code}, found ${String(error)}`, actual: error, expected: code })
  }
  throw new assert.AssertionError({ message: `expected ${code}, found success` })
}

/** Values as sorted text. */
export function texts(values: readonly Value[]): string[] {
  return values.map(({ value }) => text(value)).sort()
}

/** UTF-8 text of bytes. */
export function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}
