/** Taste, as far as a machine can check it: layers, ambient calls, sizes, dead files, documentation. */
import { describe, expect, it } from "vitest"
import { undocumentedExports } from "./tidy/exports.ts"
import { common, contains, entryFor, layers } from "./tidy/layers.ts"
import { exists, reachable, readPackage, readSources, sourceOf, withoutComments } from "./tidy/sources.ts"

const sources = readSources()
const product = sources.filter(({ path }) => /^(src|backends)\//.test(path))

const maxLines = 350
/** Files that may be longer, and why. */
const longFiles: Readonly<Record<string, string>> = {
}

/** Files outside runtime, cli and bench that may touch the machine's clock, timers or randomness, and why. */
const ambientFiles: Readonly<Record<string, string>> = {
  "src/sim/event-loop.ts": "yields to the promises of the process between two virtual events",
  "src/sim/fuzz.ts": "yields to the promises of the process between two datagrams",
}

/** Programs that are started by hand: their heads say how. */
const programs = product.filter(({ path, text }) => text.includes(`node ${path}`)).map(({ path }) => path)

const ambient = new RegExp(
  [
    String.raw`\b(?:Date\.now|Math\.random|performance\.now|setTimeout|setInterval|setImmediate|queueMicrotask)\(`,
    String.raw`\bnew Date\(\)|\bprocess\.(?:hrtime|nextTick)|\bAbortSignal\.timeout\(|"node:timers`,
    String.raw`\b(?:randomBytes|randomUUID|randomInt|randomFill|randomFillSync|getRandomValues)\(`,
  ].join("|"),
)

function publicEntries(): string[] {
  return Object.values(readPackage().exports)
    .flatMap((target) => (typeof target === "object" && target !== null && "default" in target ? [String(target.default)] : []))
    .map(sourceOf)
}

describe("the project is tidy:", () => {
  it("each layer imports only what it may", () => {
    const wrong = [...product, ...sources.filter(({ path }) => path.startsWith("test/conformance/"))].flatMap(({ path, imports }) => {
      const layer = entryFor(path, Object.keys(layers))
      if (layer === undefined) return [`${path} belongs to no layer`]
      const allowed = [layer, ...common, ...(layers[layer] ?? [])]
      return imports.filter((target) => !allowed.some((entry) => contains(entry, target))).map((target) => `${path} imports ${target}`)
    })
    expect(wrong).toEqual([])
  })

  it("only the runtime touches the machine's clock, timers and randomness", () => {
    const touching = product
      .filter(({ path }) => !/^src\/(runtime|cli|bench)\//.test(path))
      .filter(({ text }) => ambient.test(withoutComments(text)))
      .map(({ path }) => path)
    expect(touching).toEqual(Object.keys(ambientFiles))
  })

  it(`no file is longer than ${maxLines} lines without a reason`, () => {
    const long = sources.filter(({ lines }) => lines > maxLines).map(({ path, lines }) => `${path}: ${lines}`)
    expect(long.filter((line) => longFiles[line.split(":")[0] ?? ""] === undefined)).toEqual([])
    expect(Object.keys(longFiles).filter((path) => !long.some((line) => line.startsWith(`${path}:`)))).toEqual([])
  })

  it("every file is reached from an entry point or a test", () => {
    const { bin, scripts } = readPackage()
    const scripted = Object.values(scripts).flatMap((script) => [...script.matchAll(/\bnode ((?:src|test)\/\S+\.ts)/g)].map(([, path]) => path ?? ""))
    const tests = sources.filter(({ path }) => path.endsWith(".test.ts")).map(({ path }) => path)
    const examples = sources.filter(({ path }) => path.startsWith("examples/")).map(({ path }) => path)
    const config = ["test/vitest.config.ts", "test/support/laws.ts"]
    const entries = [...publicEntries(), ...Object.values(bin).map(sourceOf), ...tests, ...examples, ...programs, ...scripted, ...config]
    const alive = reachable(sources, entries)
    expect(entries.filter((path) => !exists(path))).toEqual([])
    expect(sources.map(({ path }) => path).filter((path) => !alive.has(path) && !path.endsWith(".d.ts"))).toEqual([])
  })

  it("every import names a file that is there", () => {
    expect(sources.flatMap(({ path, imports }) => imports.filter((target) => !exists(target)).map((target) => `${path}: ${target}`))).toEqual([])
  })

  it("every dependency is used", () => {
    const used = (name: string): boolean => product.some(({ text }) => text.includes(`"${name}"`) || text.includes(`"${name}/`))
    expect(Object.keys(readPackage().dependencies).filter((name) => !used(name))).toEqual([])
  })

  it("every public export is documented", () => {
    expect(undocumentedExports(publicEntries())).toEqual([])
  })

  it("every layer opens with a README", () => {
    const folders = Object.keys(layers).filter((layer) => !layer.endsWith(".ts"))
    expect(folders.filter((folder) => !exists(`${folder}/README.md`))).toEqual([])
  })

  it("nothing is switched off or left open", () => {
    const marks = /eslint-disable|@ts-(?:ignore|expect-error|nocheck)|\b(?:describe|it|test)\.(?:only|skip|todo)\(|\bTODO\b|\bFIXME\b|^export default/m
    const found = sources
      .filter(({ path }) => path !== "test/tidy.test.ts" && path !== "test/vitest.config.ts")
      .flatMap(({ path, text }) => (marks.test(text) ? [`${path}: ${marks.exec(text)?.[0]}`] : []))
    expect(found).toEqual([])
  })
})
