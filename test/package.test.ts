/** The package as another program gets it: with its dependencies, and without what only its own development takes. */
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"

interface PackageFile {
  readonly exports: Readonly<Record<string, string | { readonly types: string }>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

const root = fileURLToPath(new URL("..", import.meta.url))
const { exports, dependencies, devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as PackageFile

/** The packages that are named by declarations which a program sees that imports these. */
function packagesIn(files: readonly string[], seen = new Set<string>()): Set<string> {
  const packages = new Set<string>()
  const left = [...files]
  for (let file = left.pop(); file !== undefined; file = left.pop()) {
    if (seen.has(file)) continue
    seen.add(file)
    for (const [, name = ""] of readFileSync(file, "utf8").matchAll(/\b(?:from|import\()\s*"([^"]+)"/g)) {
      if (name.startsWith(".")) left.push(join(dirname(file), name.replace(/\.(?:ts|js)$/, ".d.ts")))
      else if (!name.startsWith("node:")) packages.add(/^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name)
    }
  }
  return packages
}

test("its declarations name packages that come with it, and that have declarations of their own", () => {
  const entries = Object.values(exports).flatMap((entry) => (typeof entry === "string" ? [] : [join(root, entry.types)]))
  const packages = [...packagesIn(entries)].filter((name) => name !== "p2psip")
  expect(packages.length).toBeGreaterThan(2)
  for (const name of packages) {
    expect(Object.keys(dependencies)).toContain(name)
    expect(Object.keys(devDependencies)).not.toContain(`@types/${name}`)
  }
})
