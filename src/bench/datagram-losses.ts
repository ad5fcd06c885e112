/** Datagrams that the Linux kernel has dropped because nobody read them in time. */
import { readFileSync } from "node:fs"

export interface DatagramLosses {
  /** Those for one port. */
  readonly own: number
  /** Those for all other sockets of the machine. */
  readonly others: number
}

/** Since those sockets, and the machine, began; zeros where the kernel does not tell. */
export function datagramLosses(port: number): DatagramLosses {
  const own = dropsOf(port)
  return { own, others: receiveBufferErrors() - own }
}

/** A line of /proc/net/udp: its second field is the local address and port in hexadecimal, its last one the drops. */
function dropsOf(port: number): number {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`
  const sockets = linesOf("/proc/net/udp").map((line) => line.trim().split(/\s+/))
  return sockets.filter((fields) => fields[1]?.endsWith(suffix) === true).reduce((sum, fields) => sum + Number(fields.at(-1)), 0)
}

/** /proc/net/snmp has a line of names and one of values. */
function receiveBufferErrors(): number {
  const [names = [], values = []] = linesOf("/proc/net/snmp").filter((line) => line.startsWith("Udp:")).map((line) => line.split(" "))
  return Number(values[names.indexOf("RcvbufErrors")] ?? 0)
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split("\n")
  } catch {
    return []
  }
}
