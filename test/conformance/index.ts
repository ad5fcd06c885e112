/**
 * The conformance suite for backends of p2psip.
 *
 * It takes `describe` and `it` from whatever runs your tests:
 *
 * ```ts
 * import { describe, it } from "node:test"
 * import { conformance } from "p2psip/conformance"
 *
 * conformance({ describe, it, name: "mine", capabilities, virtualTime: false, createNetwork })
 * ```
 */
import { abort } from "./abort.ts"
import { distributed } from "./distributed.ts"
import { get } from "./get.ts"
import { hash } from "./hash.ts"
import { lifecycle } from "./lifecycle.ts"
import { limits } from "./limits.ts"
import { lookup } from "./lookup.ts"
import { operationIds } from "./operation-id.ts"
import { preconditions } from "./preconditions.ts"
import { put } from "./put.ts"
import { putOrGet } from "./put-or-get.ts"
import { remove } from "./remove.ts"
import { createSuite } from "./scene.ts"
import type { ConformanceOptions, Suite } from "./scene.ts"
import { sequences } from "./sequences.ts"
import { status } from "./status.ts"
import { ttl } from "./ttl.ts"
import { update } from "./update.ts"
import { values } from "./values.ts"

export type { ConformanceOptions, Network } from "./scene.ts"

/** Declares the tests for a backend; those beyond its capabilities are left out. */
export function conformance(options: ConformanceOptions): void {
  const suite = createSuite(options)
  suite.describe(`${options.name} conforms`, () => {
    for (const tests of testsFor(options)) tests(suite)
  })
}

function testsFor({ capabilities, virtualTime }: ConformanceOptions): ((suite: Suite) => void)[] {
  const tests = [lifecycle, hash, put, get, remove, limits, abort, lookup, status]
  if (capabilities.multipleValues) tests.push(values)
  if (capabilities.atomicUpdate) tests.push(update)
  if (capabilities.sequences) tests.push(sequences)
  if (capabilities.preconditions) tests.push(preconditions, putOrGet)
  if (capabilities.sequences && capabilities.preconditions) tests.push(operationIds)
  if (virtualTime) tests.push(ttl)
  if (capabilities.distributed) tests.push(distributed)
  return tests
}
