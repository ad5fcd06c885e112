/** Where a configuration comes from: flags before environment before file. */
import { readFile } from "node:fs/promises"
import { P2PSipError } from "../errors.ts"
import { configSchema, parseConfig, type PeerConfig } from "./config.ts"
import { withoutComments } from "./jsonc.ts"

/** Values by configuration key; each key replaces the whole value of a weaker source. */
export type ConfigLayer = Readonly<Record<string, unknown>>

export interface ConfigSources {
  /** As given on the command line, by configuration key. */
  readonly flags?: ConfigLayer
  /** @default no variables */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** JSON, with comments if you like. */
  readonly file?: string
}

const prefix = "P2PSIP_"
/** What Kubernetes sets for every service that is called `p2psip`. */
const foreignVariable = /^P2PSIP_(?:SERVICE_(?:HOST|PORT)|PORT)(?:_|$)/
const lists: ReadonlySet<string> = new Set(["domains", "sip", "webOrigins", "listen", "announce", "bootstrap", "digestAlgorithms"])
const texts: ReadonlySet<string> = new Set(["backend", "data", "storage", "http", "httpToken", "realm", "logLevel", "secret"])
const scalars: ReadonlySet<string> = new Set(["openRegistration", "overlayUsers", "bootstrapSeconds", "replication", "acks"])
const keys: readonly string[] = Object.keys(configSchema.shape)

/** `P2PSIP_LOG_LEVEL` for `logLevel`. */
export function variableOf(key: string): string {
  return prefix + key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
}

/** `--log-level` for `logLevel`; lists take their flag once for each value. */
export function flagOf(key: string): string {
  const names: Readonly<Record<string, string>> = { domains: "domain", webOrigins: "webOrigin", tls: "tlsCertificate", mediaRelay: "mediaPorts" }
  return `--${(names[key] ?? key).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** Reads, merges and checks. Rejects with `P2PSIP_BAD_CONFIG`, one line that names key, expected, found and source. */
export async function loadConfig(sources: ConfigSources): Promise<PeerConfig> {
  const environment = sources.environment ?? {}
  const flags = sources.flags ?? {}
  const fileName = sources.file ?? environment[`${prefix}CONFIG`]
  const file = fileName === undefined ? {} : await readConfigFile(fileName)
  const variables = readEnvironment(environment)
  return parseConfig({ ...file, ...variables, ...flags }, (key) => {
    if (Object.hasOwn(flags, key)) return `from ${flagOf(key)}`
    if (Object.hasOwn(variables, key)) return `from ${variableOf(key)}`
    return Object.hasOwn(file, key) ? `from ${fileName}` : undefined
  })
}

/** The file's name, and what other commands read. */
const notOfConfiguration: ReadonlySet<string> = new Set([`${prefix}CONFIG`, `${prefix}PASSWORD`])

/** The keys that the environment sets. Lists are separated by commas, objects and lists of objects are JSON. */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): ConfigLayer {
  const layer: Record<string, unknown> = {}
  const known = new Map(keys.map((key) => [variableOf(key), key]))
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith(prefix) || foreignVariable.test(name) || notOfConfiguration.has(name) || value === undefined || value === "") continue
    const key = known.get(name)
    if (key === undefined) {
      throw new P2PSipError("P2PSIP_BAD_CONFIG", `${name}: expected ${prefix}CONFIG or one of ${[...known.keys()].join(", ")}, found an unknown variable`)
    }
    layer[key] = readVariable(name, key, value)
  }
  return layer
}

function readVariable(name: string, key: string, value: string): unknown {
  if (texts.has(key)) return value
  if (lists.has(key)) return value.split(",").map((item) => item.trim())
  try {
    return JSON.parse(value)
  } catch (cause) {
    // The schema knows what is expected, in better words.
    if (scalars.has(key)) return value
    throw new P2PSipError("P2PSIP_BAD_CONFIG", `${name}: expected JSON, found something else`, { cause })
  }
}

async function readConfigFile(name: string): Promise<ConfigLayer> {
  let text: string
  try {
    text = await readFile(name, "utf8")
  } catch (cause) {
    throw new P2PSipError("P2PSIP_BAD_CONFIG", `--config: expected a readable file, found ${reasonOf(cause)}`, { cause })
  }
  const plain = withoutComments(text)
  let value: unknown
  try {
    value = JSON.parse(plain)
  } catch (cause) {
    throw new P2PSipError("P2PSIP_BAD_CONFIG", `${name}: expected JSON, found ${placeOf(reasonOf(cause), plain)}`, { cause })
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new P2PSipError("P2PSIP_BAD_CONFIG", `${name}: expected a JSON object, found something else`)
  }
  return value as ConfigLayer
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

/** Names the line, and quotes nothing: the file may hold passwords. */
function placeOf(reason: string, text: string): string {
  const position = Number(/position (\d+)/.exec(reason)?.[1] ?? firstNonToken(text))
  const before = text.slice(0, position).split("\n")
  return `a mistake in line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`
}

/** Where the text stops being words of JSON. The engine tells where they are in the wrong order, but not this. */
function firstNonToken(text: string): number {
  const token = /\s+|[{}[\],:]|"(?:[^"\\\n]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true\b|false\b|null\b/y
  let end = 0
  while (token.test(text)) end = token.lastIndex
  return end
}
