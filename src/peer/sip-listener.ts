/** From a listener of the configuration to its transport. */
import {
  TcpTransport,
  TlsTransport,
  UdpTransport,
  WssTransport,
  WsTransport,
  type TlsComponents,
  type Transport,
} from "../sip/transport/index.ts"
import { parseSipListener } from "./sip-address.ts"

/** What listeners with connections have besides; `origins` is for those of browsers. */
export interface ListenerOptions {
  readonly maxConnectionsPerSource: number
  /** The Origins of the web pages that may connect, or `loopback` for all that come from this machine; undefined for all. */
  readonly origins: readonly string[] | "loopback" | undefined
}

/** The transport of a listener such as `tls:127.0.0.1:5061`, not started. */
export function createListener(text: string, components: TlsComponents, { origins, maxConnectionsPerSource }: ListenerOptions): Transport {
  const listener = parseSipListener(text)
  if (listener === undefined) throw new TypeError(`${text} has passed the configuration's schema`)
  const { transport, ...address } = listener
  const bounded = { ...address, maxConnectionsPerSource }
  const forBrowsers = origins === undefined ? bounded : { ...bounded, origins }
  switch (transport) {
    case "udp":
      return new UdpTransport(components, address)
    case "tcp":
      return new TcpTransport(components, bounded)
    case "tls":
      return new TlsTransport(components, bounded)
    case "ws":
      return new WsTransport(components, forBrowsers)
    case "wss":
      return new WssTransport(components, forBrowsers)
  }
}
