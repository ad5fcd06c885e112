/** What listeners of all protocols share: options, addresses, start-up faults. */
import { isIP } from "node:net"
import { networkInterfaces } from "node:os"
import { badArgument, P2PSipError } from "../../errors.ts"
import { formatHostPort } from "./host-port.ts"
import type { HostPort } from "./transport.ts"

/** Where to listen, and what to tell others about it. */
export interface ListenOptions {
  /** An IP address of this machine, or the wildcard `0.0.0.0` or `::`. @default "127.0.0.1" */
  readonly host?: string
  /** 0 lets the system choose. @default 5060 */
  readonly port?: number
  /** What others are told instead of the bound address (behind NAT, in a container); port 0 stands for the bound port. */
  readonly advertise?: HostPort
}

/** The address to bind. Throws `P2PSIP_BAD_ARGUMENT`. */
export function listenAddress(options: ListenOptions): HostPort {
  const { host = "127.0.0.1", port = 5060 } = options
  if (isIP(host) === 0) badArgument("host", "an IP address to listen at", host)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) badArgument("port", "a port, 0 to 65535", port)
  return { host, port }
}

/** What Via, Record-Route and Path say of a listener that is bound at `bound`. */
export function advertisedAddress(bound: HostPort, advertise: HostPort | undefined): HostPort {
  if (advertise !== undefined) return advertise.port === 0 ? { host: advertise.host, port: bound.port } : advertise
  if (!isWildcard(bound.host)) return bound
  return { host: localAddresses(isIP(bound.host))[0] ?? bound.host, port: bound.port }
}

/** True for `0.0.0.0` and `::`. */
export function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::"
}

/** This machine's addresses of a family, those that others can reach first. */
export function localAddresses(family: number): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  const ofFamily = all.filter((address) => address.family === `IPv${family}`)
  return ofFamily.sort((a, b) => Number(a.internal) - Number(b.internal)).map(({ address }) => address)
}

/** Makes the platform's error on binding one of ours. */
export function listenFault(error: NodeJS.ErrnoException, protocol: string, address: HostPort): P2PSipError {
  const where = `${protocol.toLowerCase()}:${formatHostPort(address)}`
  if (error.code === "EADDRINUSE") {
    return new P2PSipError("P2PSIP_PORT_IN_USE", `sip ${where}: expected a free port, found it taken; stop the other program or choose another`, { cause: error })
  }
  const expected = error.code === "EACCES" ? "a port above 1023, or the right to bind lower ones" : "an address of this machine"
  return new P2PSipError("P2PSIP_BAD_CONFIG", `sip ${where}: expected ${expected}, found another (${error.code ?? error.message})`, { cause: error })
}
