/** The one table of backends: name → lazy import. A package's name works as well; see {@link loadBackend}. */
import { createRequire } from "node:module"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { P2PSipError, isP2PSipError } from "../src/errors.ts"
import type { BackendModule } from "../src/servlet/backend.ts"
import type { P2PSipServlet } from "../src/servlet/servlet.ts"

const backends: Readonly<Record<string, () => Promise<{ readonly backend: BackendModule }>>> = {
  bamboo: () => import("./bamboo/index.ts"),
  chord: () => import("./chord/index.ts"),
  kademlia: () => import("./kademlia/index.ts"),
  memory: () => import("./memory/index.ts"),
  ssr: () => import("./ssr/index.ts"),
}

/** The names of the backends that come with this package. */
export const backendNames: readonly string[] = Object.keys(backends)

/**
 * Finds a backend: one of {@link backendNames}, or a package (or the file URL
 * of a module) that exports a `BackendModule` as `backend`. A package is looked
 * for beside this one, then from the folder in which the program was started.
 * Nothing is loaded before it is asked for. Rejects with `P2PSIP_NO_BACKEND`.
 */
export async function loadBackend(name: string): Promise<BackendModule> {
  const load = Object.hasOwn(backends, name) ? backends[name] : undefined
  if (load !== undefined) return (await load()).backend
  // What lies beside this file is not a package: a path must be written as a file URL.
  if (name === "" || /^[./\\]/.test(name)) throw noBackend(name, "that is not the name of a package")
  let module: unknown
  try {
    module = await import(locate(name))
  } catch (cause) {
    const first = cause instanceof Error ? cause.message.split("\n", 1).join() : String(cause)
    const isMissing = hasCode(cause, "ERR_MODULE_NOT_FOUND") && first.includes(`'${name}'`)
    throw noBackend(name, isMissing ? "no package of that name is installed" : `its package fails to load: ${first}`, cause)
  }
  if (!hasBackend(module)) throw noBackend(name, "its package does not export a BackendModule as `backend`")
  return guarded(name, module.backend)
}

/** Where a package is: this one may be installed elsewhere (globally, or linked), and the other where the work is done. */
function locate(name: string): string {
  const here = createRequire(join(process.cwd(), "package.json"))
  return resolved(() => import.meta.resolve(name)) ?? resolved(() => pathToFileURL(here.resolve(name)).href) ?? name
}

function resolved(resolve: () => string): string | undefined {
  try {
    return resolve()
  } catch {
    // Not there: importing it under its name will say so.
    return undefined
  }
}

/** What a stranger's factory throws, or makes, is told in one line as everything else that is wrong with a package. */
function guarded(name: string, backend: BackendModule): BackendModule {
  return {
    ...backend,
    create: (components, options) => {
      let servlet: unknown
      try {
        servlet = backend.create(components, options)
      } catch (cause) {
        if (isP2PSipError(cause)) throw cause
        throw noBackend(name, `its create() failed: ${cause instanceof Error ? cause.message.split("\n", 1).join() : String(cause)}`, cause)
      }
      if (!isServlet(servlet)) throw noBackend(name, "its create() made something else than a P2PSipServlet")
      return servlet
    },
  }
}

/** By what it can do: a package may have brought another copy of the class. */
function isServlet(made: unknown): made is P2PSipServlet {
  const { join, leave, update, get } = (made ?? {}) as Partial<P2PSipServlet>
  return [join, leave, update, get].every((method) => typeof method === "function")
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code
}

function hasBackend(module: unknown): module is { readonly backend: BackendModule } {
  const { backend } = module as { readonly backend?: Partial<BackendModule> }
  return typeof backend?.create === "function" && typeof backend.optionsSchema?.parse === "function"
}

function noBackend(name: string, reason: string, cause?: unknown): P2PSipError {
  const known = backendNames.join(", ")
  const message = `backend: expected ${known}, or the name of an installed package, found ${JSON.stringify(name)}: ${reason}`
  return new P2PSipError("P2PSIP_NO_BACKEND", message, { cause })
}
