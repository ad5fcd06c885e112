/** Who is behind an address, as limits count: one IPv4 address, or the 64 bits of IPv6 that one site has for each of its links. */

/** A key for the address; a host name stands for itself. */
export function sourceOf(host: string): string {
  if (!host.includes(":")) return host
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host)?.[1]
  return mapped ?? `${ipv6Groups(host).slice(0, 4).join(":")}::/64`
}

/** The eight groups of an IPv6 address, in hexadecimal; those of `::` for any other text. */
export function ipv6Groups(host: string): readonly string[] {
  // The URL parser knows every spelling, an embedded IPv4 address among them.
  const url = `http://[${host.replace(/%.*$/, "")}]/`
  const [head = "", tail] = (URL.canParse(url) ? new URL(url).hostname : "[::]").slice(1, -1).split("::")
  const groups = (text: string): string[] => (text === "" ? [] : text.split(":"))
  const before = groups(head)
  const after = groups(tail ?? "")
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => "0"), ...after]
}
