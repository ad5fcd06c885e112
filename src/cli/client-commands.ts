/** `p2psip put|get|remove|lookup|status`: what a running peer does for the command line. */
import { createHash } from "node:crypto"
import { Command } from "commander"
import { P2PSipError } from "../errors.ts"
import { ApiClient } from "./api-client.ts"
import { showLookupEvent, showStatus, showValues } from "./show.ts"

interface ClientFlags {
  readonly http: string
  readonly json?: boolean
  readonly ttl?: string
  readonly hash?: string
}

/** Adds `--http`; the token comes from the environment, because others can see a command line. */
export function addHttpFlag(command: Command): Command {
  return command.option("--http <url>", "the peer's HTTP listener (a token is taken from P2PSIP_HTTP_TOKEN)", "http://127.0.0.1:8080")
}

export function clientFrom({ http }: { readonly http: string }): ApiClient {
  return new ApiClient(http, process.env["P2PSIP_HTTP_TOKEN"])
}

/** The commands, to be added to the program. */
export function clientCommands(): readonly Command[] {
  const put = command("put", "store a value under a key").argument("<key>").argument("<value>")
    .option("--ttl <seconds>", "how long it lives (default: 3600)")
    .action(async (key: string, value: string, flags: ClientFlags) => {
      const values = await clientFrom(flags).put(key, value, flags.ttl === undefined ? undefined : seconds(flags.ttl))
      print(flags, values, showValues)
    })
  const get = command("get", "print all values of a key; exit code 1 if there are none").argument("<key>")
    .action(async (key: string, flags: ClientFlags) => {
      const values = await clientFrom(flags).get(key)
      print(flags, values, showValues)
      if (values.length === 0) process.exitCode = 1
    })
  const remove = command("remove", "remove one value of a key, or all of them").argument("<key>").argument("[value]")
    .option("--hash <hex>", "names the value by its hash")
    .action(async (key: string, value: string | undefined, flags: ClientFlags) => {
      const valueHash = flags.hash ?? (value === undefined ? undefined : defaultHash(value))
      print(flags, await clientFrom(flags).remove(key, valueHash), showValues)
    })
  const lookup = command("lookup", "find the owner of a key, and show the way there").argument("<key>")
    .action(async (key: string, flags: ClientFlags) => {
      for await (const event of clientFrom(flags).lookup(key)) {
        console.log(flags.json === true ? JSON.stringify(event) : showLookupEvent(event))
        if (event.name === "failed") process.exitCode = 1
      }
    })
  const status = command("status", "tell how a peer is").action(async (flags: ClientFlags) => {
    print(flags, await clientFrom(flags).status(), showStatus)
  })
  return [put, get, remove, lookup, status]
}

/** The hash that the servlet gives a value unless told otherwise. */
export function defaultHash(value: string): string {
  return createHash("sha256").update(value).digest("hex").slice(0, 40)
}

function command(name: string, description: string): Command {
  return addHttpFlag(new Command(name).description(description)).option("--json", "print JSON")
}

function print<T>(flags: ClientFlags, value: T, show: (value: T) => string): void {
  console.log(flags.json === true ? JSON.stringify(value, null, 2) : show(value))
}

function seconds(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  throw new P2PSipError("P2PSIP_BAD_ARGUMENT", `--ttl: expected whole seconds, found ${JSON.stringify(text)}`)
}
