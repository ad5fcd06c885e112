/** DNS: see README.md in this folder. */
export { CachingDns } from "./caching-dns.ts"
export type { CachingDnsComponents, CachingDnsOptions } from "./caching-dns.ts"
export { DnsClient } from "./client.ts"
export type { DnsClientOptions } from "./client.ts"
export type { Dns, NaptrRecord, RecordData, RecordType, SrvRecord } from "./dns.ts"
export { machineServers, parseDnsServer, serversIn } from "./servers.ts"
export type { DnsServer } from "./servers.ts"
