import { ManualRuntime } from "./manual-runtime.ts"

/** For tests with real sockets: deferred calls run by themselves, while time still waits for the test. */
export class SocketRuntime extends ManualRuntime {
  override defer(callback: () => void): void {
    setImmediate(callback)
  }
}
