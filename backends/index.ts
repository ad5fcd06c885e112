/** The one table of backends: name → lazy import. A package's name works as well; see {@link loadBackend}. */
import { P2PSipError } from "../src/errors.ts"
import type { BackendModule } from "../src/servlet/backend.ts"

const backends: Readonly<Record<string, () => Promise<{ readonly backend: BackendModule }>>> = {
  bamboo: () => import("./bamboo/index.ts"),
  chord: () => import("./chord/index.ts"),
  kademlia: () => import("./kademlia/index.ts"),
  memory: () => import("./memory/index.ts"),
}

/** The names of the backends that come with this package. */
export const backendNames: readonly string[] = Object.keys(backends)

/**
 * Finds a backend: one of {@link backendNames}, or a package (or the file URL
 * of a module) that exports a `BackendModule` as `backend`. Nothing is loaded
 * before it is asked for. Rejects with `P2PSIP_NO_BACKEND`.
 */
export async function loadBackend(name: string): Promise<BackendModule> {
  const load = Object.hasOwn(backends, name) ? backends[name] : undefined
  if (load !== undefined) return (await load()).backend
  // What lies beside this file is not a package: a path must be written as a file URL.
  if (name === "" || /^[./\\]/.test(name)) throw noBackend(name, "that is not the name of a package")
  let module: unknown
  try {
    module = await import(name)
  } catch (cause) {
    const missing = cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND"
    throw noBackend(name, missing ? "no package of that name is installed" : "its package fails to load", cause)
  }
  if (!hasBackend(module)) throw noBackend(name, "its package does not export a BackendModule as `backend`")
  return module.backend
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
