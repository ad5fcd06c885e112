/** The files of the project, and what each imports. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../..", import.meta.url))

export interface Source {
  /** From the project's root, with forward slashes. */
  readonly path: string
  readonly text: string
  readonly lines: number
  /** Paths of the project's files that it imports, types included. */
  readonly imports: readonly string[]
}

/** All TypeScript files of the project. */
export function readSources(): readonly Source[] {
  return ["src", "backends", "test", "examples"].flatMap((folder) => filesOf(folder)).map(readSource)
}

function filesOf(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(folder, name))
}

function readSource(path: string): Source {
  const text = readFileSync(join(root, path), "utf8")
  return { path, text, lines: text.split("\n").length - 1, imports: importsOf(path, text) }
}

function importsOf(path: string, text: string): string[] {
  const specifiers = [...withoutComments(text).matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g)].map((match) => match[1] ?? "")
  return [...new Set(specifiers)].map((specifier) => relative(root, join(root, dirname(path), specifier)))
}

/** Code without comments of whole lines: enough to tell a call from talk of one. */
export function withoutComments(text: string): string {
  return text.replace(/^\s*(?:\/\/|\*|\/\*).*$/gm, "")
}

/** Every file that can be reached from the entries by imports. */
export function reachable(sources: readonly Source[], entries: readonly string[]): ReadonlySet<string> {
  const byPath = new Map(sources.map((source) => [source.path, source]))
  const seen = new Set<string>()
  const queue = [...entries]
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (seen.has(path)) continue
    seen.add(path)
    queue.push(...(byPath.get(path)?.imports ?? []))
  }
  return seen
}

/** Whether there is such a file. */
export function exists(path: string): boolean {
  return existsSync(join(root, path))
}

/** The package's own description. */
export function readPackage(): {
  readonly exports: Readonly<Record<string, unknown>>
  readonly bin: Readonly<Record<string, string>>
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
} {
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as ReturnType<typeof readPackage>
}

/** A file of the build → its source. */
export function sourceOf(built: string): string {
  return built.replace(/^(?:\.\/)?dist\//, "").replace(/\.js$/, ".ts")
}
