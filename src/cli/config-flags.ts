/** The flags that set configuration keys, the same for every command that reads a configuration. */
import type { Command } from "commander"
import type { PeerConfig } from "../peer/config.ts"

interface Flags {
  readonly config?: string
  readonly domain?: readonly string[]
  readonly bootstrapSeconds?: string
  readonly replication?: string
  readonly acks?: string
  readonly tlsCertificate?: string
  readonly tlsKey?: string
  readonly tlsCa?: string
  readonly webOrigin?: readonly string[]
  readonly mediaPorts?: string
  readonly mediaAddress?: string
  readonly mediaAdvertise?: string
  readonly [key: string]: unknown
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

/** Adds the flags to a command. */
export function addConfigFlags(command: Command): Command {
  return command
    .option("--config <file>", "JSON, with comments if you like")
    .option("--backend <name>", "the algorithm of the overlay: chord, kademlia, bamboo, ssr, memory, or a package")
    .option("--domain <domain>", "a domain that this peer answers for; repeat it for more", collect)
    .option("--sip <listener>", "where phones connect: udp:127.0.0.1:5060, wss:0.0.0.0:443;advertise=sip.example.org:443 (udp, tcp, tls, ws, wss); repeatable", collect)
    .option("--tls-certificate <file>", "PEM: the certificate for tls and wss; read again when it changes, and on SIGHUP")
    .option("--tls-key <file>", "PEM: its private key")
    .option("--tls-ca <file>", "PEM: the roots that others' certificates must lead to; otherwise the usual ones")
    .option("--web-origin <origin>", "whose web pages may connect to ws and wss; repeatable; none lets all, or without users those of this machine", collect)
    .option("--listen <multiaddr>", "where other peers connect; repeatable", collect)
    .option("--announce <multiaddr>", "what other peers are told instead of what was bound; repeatable", collect)
    .option("--bootstrap <multiaddr>", "a peer of the overlay to join; repeatable; none starts a new overlay", collect)
    .option("--bootstrap-seconds <seconds>", "how long to look for one of them before giving up")
    .option("--data <folder>", "keeps this peer's key, and so its identity, and its records")
    .option("--storage <where>", "memory or sqlite: where records are kept; sqlite where there is --data")
    .option("--http <host:port>", "serves /healthz, /readyz, /status, /metrics and the other commands")
    .option("--overlay-users", "lets users register that `p2psip user add` has stored")
    .option("--open-registration", "lets anybody register, also from other machines")
    .option("--media-ports <from-to>", "carries media of calls between peers, for phones that share no IP route: UDP ports for phones, such as 40000-40099")
    .option("--media-address <address>", "where these ports are opened; otherwise 127.0.0.1")
    .option("--media-advertise <address>", "what phones are told instead of that address")
    .option("--replication <copies>", "copies of each record, the owner's included")
    .option("--acks <copies>", "copies that must exist before a change is confirmed")
    .option("--log-level <level>", "debug, info, warn, error or silent")
}

/** The checked configuration from flags, environment and file. */
export async function configFrom(flags: Flags): Promise<PeerConfig> {
  const { config: file, domain, replication, acks, bootstrapSeconds, tlsCertificate: certificate, tlsKey: key, tlsCa: ca, webOrigin, mediaPorts: ports, mediaAddress: address, mediaAdvertise: advertise, ...rest } = flags
  const hasRelay = ports !== undefined || address !== undefined || advertise !== undefined
  const hasTls = certificate !== undefined || key !== undefined || ca !== undefined
  const layer = {
    ...rest,
    ...(domain === undefined ? {} : { domains: domain }),
    ...(hasTls ? { tls: { certificate, key, ...(ca === undefined ? {} : { ca }) } } : {}),
    ...(hasRelay ? { mediaRelay: { ports, ...(address === undefined ? {} : { address }), ...(advertise === undefined ? {} : { advertise }) } } : {}),
    ...(webOrigin === undefined ? {} : { webOrigins: webOrigin }),
    ...(replication === undefined ? {} : { replication: asNumber(replication) }),
    ...(bootstrapSeconds === undefined ? {} : { bootstrapSeconds: asNumber(bootstrapSeconds) }),
    ...(acks === undefined ? {} : { acks: asNumber(acks) }),
  }
  const { loadConfig } = await import("../peer/config-sources.ts")
  return loadConfig({ flags: layer, environment: process.env, ...(file === undefined ? {} : { file }) })
}

/** What is no number stays as it is: the schema then shows what was found. */
function asNumber(text: string): unknown {
  return /^\d{1,9}$/.test(text) ? Number(text) : text
}
