#!/usr/bin/env node
/** `p2psip`: the command line. */
import { Command, CommanderError } from "commander"
import { P2PSipError } from "../errors.ts"
import { clientCommands } from "./client-commands.ts"
import { configCommand } from "./config-command.ts"
import { consoleCommand } from "./console.ts"
import { meshCommand } from "./mesh-commands.ts"
import { nodeComplaint, packageFacts } from "./package-facts.ts"
import { startCommand } from "./start.ts"
import { userCommand } from "./user-commands.ts"

/** What the shell sees: 1 for what went wrong in the world, 2 for what was wrong in the request, 141 as after any SIGPIPE. */
const exitCodes = { failure: 1, usage: 2, brokenPipe: 141 } as const

// Whoever read the output has had enough, as `head` has. A peer goes on: its phones are still there.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") process.exit(complain(error))
  if (process.argv[2] !== "start") process.exit(exitCodes.brokenPipe)
})
process.stderr.on("error", () => undefined)

const facts = packageFacts()
const tooOld = nodeComplaint(process.versions.node, facts)
if (tooOld !== undefined) {
  process.stderr.write(`p2psip: ${tooOld}\n`)
  process.exit(exitCodes.failure)
}

const program = new Command("p2psip")
  .description("Peer-to-peer SIP: phones register with, and call through, any peer")
  .version(facts.version)
  .showHelpAfterError("(p2psip --help tells more)")

// Loaded when they are wanted: both are large, and most commands are over in a moment.
const sim = process.argv[2] === "sim" ? (await import("./sim.ts")).simCommand() : new Command("sim").description("simulated overlays on a virtual clock")

const bench = process.argv[2] === "bench" ? (await import("./bench.ts")).benchCommand() : new Command("bench").description("what it costs on this machine, with charts")

for (const command of [startCommand(), ...clientCommands(), meshCommand(), userCommand(), consoleCommand(), configCommand(), sim, bench]) {
  program.addCommand(command)
}
for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) command.exitOverride()

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = complain(error)
}

/** One line for people on stderr, and the exit code. */
function complain(error: unknown): number {
  // Commander has said it already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage
  const message = error instanceof Error ? error.message : String(error)
  process.stderr.write(`p2psip: ${message.replaceAll(/\s*\n\s*/g, " ")}\n`)
  const isUsage = error instanceof P2PSipError && ["P2PSIP_BAD_CONFIG", "P2PSIP_BAD_ARGUMENT", "P2PSIP_NO_BACKEND"].includes(error.code)
  return isUsage ? exitCodes.usage : exitCodes.failure
}
