/** `p2psip console`: a menu on the overlay for people; reads commands where there is no terminal. */
import { createInterface } from "node:readline/promises"
import { confirm, intro, isCancel, log, outro, select, text } from "@clack/prompts"
import { Command } from "commander"
import type { ApiClient } from "./api-client.ts"
import { addHttpFlag, clientFrom, defaultHash } from "./client-commands.ts"
import { showContent, showLookupEvent, showStatus, showValues } from "./show.ts"

type Action = "insert" | "retrieve" | "remove" | "lookup" | "status" | "leave" | "quit"

const menu: { value: Action; label: string; hint: string }[] = [
  { value: "insert", label: "Insert", hint: "store a value under a key" },
  { value: "retrieve", label: "Retrieve", hint: "all values of a key" },
  { value: "remove", label: "Remove", hint: "one value of a key, or all" },
  { value: "lookup", label: "Look up", hint: "who owns a key, and the way there" },
  { value: "status", label: "Status", hint: "this peer and its neighbours" },
  { value: "leave", label: "Leave", hint: "this peer leaves the overlay and ends" },
  { value: "quit", label: "Quit", hint: "the peer goes on" },
]

/** The user has pressed Escape or Ctrl-C. */
class Cancelled extends Error {}

/** The command, to be added to the program. */
export function consoleCommand(): Command {
  const command = new Command("console")
    .description("a menu: insert, retrieve, remove, look up, status, leave; without a terminal, reads these as commands, one a line")
    .addHelpText("after", `\nCommands without a terminal (words with blanks in quotation marks):\n${Object.entries(forms)
      .map(([name, { words }]) => `  ${name}${words === "alone" ? "" : ` ${words}`}\n`).join("")}  quit`)
  return addHttpFlag(command).action(
    async (flags: { readonly http: string }) => {
      const client = clientFrom(flags)
      if (process.stdin.isTTY) await runMenu(client, flags.http)
      else await runScript(client)
    },
  )
}

async function runMenu(client: ApiClient, url: string): Promise<void> {
  const { peerId, servlet } = await client.status()
  intro(`p2psip · peer …${peerId.slice(-8)} at ${url} · ${servlet.backend}, ${servlet.peersKnown} peers known`)
  for (;;) {
    try {
      const action = await select<Action>({ message: "What shall it be?", options: menu })
      if (isCancel(action) || action === "quit") break
      if (await perform(client, action)) break
    } catch (error) {
      if (error instanceof Cancelled) log.warn("Nothing done.")
      else log.error(error instanceof Error ? error.message : String(error))
    }
  }
  outro("Good-bye.")
}

/** Asks what is still to be known and does it; true when the peer has left. */
async function perform(client: ApiClient, action: Action): Promise<boolean> {
  switch (action) {
    case "insert": {
      const key = await ask("Key")
      const value = await ask("Value")
      const ttl = await answerOf<string>(text({ message: "Seconds to live", initialValue: "3600", validate: complainAboutSeconds }))
      log.success(showValues(await client.put(key, value, Number(ttl))))
      return false
    }
    case "retrieve":
      log.info(showValues(await client.get(await ask("Key"))))
      return false
    case "remove":
      await removeOne(client)
      return false
    case "lookup":
      for await (const event of client.lookup(await ask("Key"))) log.step(showLookupEvent(event))
      return false
    case "status":
      log.info(showStatus(await client.status()))
      return false
    case "leave":
      if (!(await answerOf<boolean>(confirm({ message: "Shall this peer hand its records over and end?" })))) return false
      await client.leave()
      log.success("The peer hands its records over and ends.")
      return true
    case "quit":
      return true
  }
}

async function removeOne(client: ApiClient): Promise<void> {
  const key = await ask("Key")
  const values = await client.get(key)
  if (values.length === 0) return log.warn("That key has no value.")
  const options = values.map((one) => ({ value: one.valueHash, label: showContent(one), hint: `${one.ttlSeconds} s left` }))
  const all = { value: "", label: "All of them", hint: `${values.length}` }
  const chosen = await answerOf<string>(select<string>({ message: "Which value?", options: [...options, all] }))
  const left = await client.remove(key, chosen === "" ? undefined : chosen)
  log.success(`Removed. ${left.length === 0 ? "The key has no value now." : `Left:\n${showValues(left)}`}`)
}

function ask(message: string): Promise<string> {
  return answerOf<string>(text({ message, validate: (typed) => (typed === undefined || typed === "" ? "Please type something." : undefined) }))
}

async function answerOf<T extends string | boolean>(answer: Promise<T | symbol>): Promise<T> {
  const value = await answer
  if (typeof value === "symbol") throw new Cancelled()
  return value
}

function complainAboutSeconds(value: string | undefined): string | undefined {
  return value !== undefined && /^[1-9]\d{0,9}$/.test(value) ? undefined : "Whole seconds, please."
}

/** What may follow each command of a script. */
const forms: Readonly<Record<string, { readonly words: string; readonly least: number; readonly most: number }>> = {
  insert: { words: "KEY VALUE [SECONDS]", least: 2, most: 3 },
  retrieve: { words: "KEY", least: 1, most: 1 },
  remove: { words: "KEY [VALUE]", least: 1, most: 2 },
  lookup: { words: "KEY", least: 1, most: 1 },
  status: { words: "alone", least: 0, most: 0 },
  leave: { words: "alone", least: 0, most: 0 },
}

/** One command a line: `insert KEY VALUE [SECONDS]`, `retrieve KEY`, `remove KEY [VALUE]`, `lookup KEY`, `status`, `leave`, `quit`. */
async function runScript(client: ApiClient): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const [name = "", key = "", ...rest] = wordsOf(line)
    if (name === "" || name.startsWith("#")) continue
    if (name === "quit" || !(await performLine(client, name, key, rest))) return
  }
}

/** The words of a line; those with blanks in them stand in quotation marks. */
function wordsOf(line: string): string[] {
  return Array.from(line.matchAll(/"([^"]*)"|[^\s"]+/g), ([word, quoted]) => quoted ?? word)
}

/** False when nothing more can be done. */
async function performLine(client: ApiClient, name: string, key: string, rest: readonly string[]): Promise<boolean> {
  const [value, seconds] = rest
  const form = forms[name]
  if (form === undefined) throw new Error(`expected ${Object.keys(forms).join(", ")} or quit, found ${JSON.stringify(name)}`)
  const count = (key === "" ? 0 : 1) + rest.length
  if (count < form.least || count > form.most) throw new Error(`expected ${name} ${form.words}, found ${count} words after ${name}`)
  switch (name) {
    case "insert":
      if (seconds !== undefined && complainAboutSeconds(seconds) !== undefined) throw new Error(`SECONDS: expected a whole number, found ${JSON.stringify(seconds)}`)
      console.log(showValues(await client.put(key, value ?? "", seconds === undefined ? undefined : Number(seconds))))
      return true
    case "retrieve":
      console.log(showValues(await client.get(key)))
      return true
    case "remove":
      console.log(showValues(await client.remove(key, value === undefined ? undefined : defaultHash(value))))
      return true
    case "lookup":
      for await (const event of client.lookup(key)) console.log(showLookupEvent(event))
      return true
    case "status":
      console.log(showStatus(await client.status()))
      return true
    case "leave":
      await client.leave()
      return false
    default:
      return true
  }
}
