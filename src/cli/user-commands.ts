/** `p2psip user add|remove|show`: users that are kept in the overlay. */
import { Command } from "commander"
import { P2PSipError } from "../errors.ts"
import { makeUserRecord, parseUserName, readUserRecord, userKey, userValueHash } from "../peer/user-record.ts"
import { addHttpFlag, clientFrom } from "./client-commands.ts"

interface UserFlags {
  readonly http: string
  readonly realm?: string
}

/** A user stays until removed: the longest life that a record can have, 68 years. */
const ttlSeconds = 2_147_483_647
const valueHash = Buffer.from(userValueHash).toString("hex")

/** The command, to be added to the program. */
export function userCommand(): Command {
  const user = new Command("user").description("users that all peers with overlayUsers know")
  user.addCommand(
    command("add", "add a user, or change the password; asks for it, or reads P2PSIP_PASSWORD or one line of a pipe")
      .option("--realm <realm>", "as in the peers' configuration (default: the domain)")
      .action(async (name: string, flags: UserFlags) => {
        const { username, domain } = parseUserName(name)
        const record = makeUserRecord(username, flags.realm ?? domain, await readPassword(name))
        const value = Buffer.from(record).toString("base64")
        await clientFrom(flags).put(userKey(username, domain), value, ttlSeconds, { encoding: "base64", valueHash })
        console.log(`${username}@${domain} can register`)
      }),
  )
  user.addCommand(
    command("remove", "remove a user; calls and registrations go on until they expire").action(async (name: string, flags: UserFlags) => {
      const { username, domain } = parseUserName(name)
      await clientFrom(flags).remove(userKey(username, domain), valueHash)
      console.log(`${username}@${domain} cannot register any more`)
    }),
  )
  user.addCommand(
    command("show", "tell what is known of a user, the password apart; exit code 1 if there is none").action(async (name: string, flags: UserFlags) => {
      const { username, domain } = parseUserName(name)
      const [found] = await clientFrom(flags).get(userKey(username, domain))
      if (found === undefined) {
        console.log(`there is no ${username}@${domain}`)
        process.exitCode = 1
        return
      }
      const { realm, verifiers } = readUserRecord(Buffer.from(found.value, found.encoding))
      console.log(`${username}@${domain}, realm ${realm}, for ${Object.keys(verifiers).join(", ")}`)
    }),
  )
  return user
}

function command(name: string, description: string): Command {
  return addHttpFlag(new Command(name).description(description)).argument("<name@domain>")
}

/** Never from the command line, which others can see. */
async function readPassword(name: string): Promise<string> {
  const found = process.env["P2PSIP_PASSWORD"] ?? (process.stdin.isTTY ? await askPassword(name) : await readLine())
  if (found === "") throw new P2PSipError("P2PSIP_BAD_ARGUMENT", "password: expected at least one character, found none")
  return found
}

async function askPassword(name: string): Promise<string> {
  const { isCancel, password } = await import("@clack/prompts")
  const answer = await password({ message: `Password of ${name}` })
  if (isCancel(answer)) throw new P2PSipError("P2PSIP_BAD_ARGUMENT", "password: expected one, found none")
  return answer
}

async function readLine(): Promise<string> {
  const { createInterface } = await import("node:readline")
  for await (const line of createInterface({ input: process.stdin })) return line
  return ""
}
