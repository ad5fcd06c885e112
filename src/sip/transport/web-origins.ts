/** Whose web pages may open WebSockets. */

/** The Origins of the web pages that may connect, or `loopback` for all that come from this machine. Undefined stands for all. */
export type WebOrigins = readonly string[] | "loopback"

/** Tells of an Origin, in lower case, whether it is one of these. */
export function originFilter(origins: WebOrigins | undefined): (origin: string) => boolean {
  if (origins === undefined) return () => true
  if (origins === "loopback") return (origin) => /^https?:\/\/(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(?::\d{1,5})?$/.test(origin)
  const names = new Set(origins.map((origin) => origin.toLowerCase()))
  return (origin) => names.has(origin)
}
