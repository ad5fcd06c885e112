/** `p2psip config print`: what a peer would run with. */
import { Command } from "commander"
import { addConfigFlags, configFrom } from "./config-flags.ts"

/** The command, to be added to the program. */
export function configCommand(): Command {
  const print = addConfigFlags(new Command("print").description("print the configuration with all defaults, secrets hidden")).action(
    async (flags: Record<string, unknown>) => {
      const { redact } = await import("../peer/config.ts")
      process.stdout.write(`${JSON.stringify(redact(await configFrom(flags)), null, 2)}\n`)
    },
  )
  return new Command("config").description("look at the configuration").addCommand(print)
}
