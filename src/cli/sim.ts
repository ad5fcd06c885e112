/** `p2psip sim`: runs scenarios on the simulator, and looks for ones that break a law. */
import { Command } from "commander"
import { experiments } from "../sim/experiments/index.ts"
import { scenarios } from "../sim/scenarios.ts"
import { fuzzCommand } from "./sim-fuzz.ts"
import type { RunFlags } from "./sim-choice.ts"
import { runExperiment } from "./sim-experiment.ts"
import { runScenarioOnce } from "./sim-run.ts"

/** The command with its two subcommands, to be added to the program. */
export function simCommand(): Command {
  const list = (table: Readonly<Record<string, { readonly about: string }>>): string =>
    Object.entries(table).map(([name, { about }]) => `  ${name.padEnd(14)}${about}`).join("\n")
  const run = new Command("run")
    .description("run one scenario (a name, a JSON file, or JSON text), or an experiment of several")
    .argument("[scenario]")
    .option("--backend <name>", "as in the configuration (default: chord)")
    .option("--backends <names>", "several, for an experiment: chord,bamboo,kademlia")
    .option("--peers <count>", "size of the overlay (default: 50)")
    .option("--seed <number>", "equal seeds give equal runs (default: 1)")
    .option("--session <minutes>", "median session time of scenario churn")
    .option("--minutes <minutes>", "virtual time with faults in each part of an experiment")
    .option("--only <label>", "one part of an experiment")
    .option("--trace <file>", "sessions of peers: JOIN END crash|leave [PEER] in seconds, a line each")
    .option("--latency <model>", "constant:MS, plane:MS or matrix:FILE")
    .option("--json <file>", "write the whole report there")
    .option("--svg <file>", "draw a chart there")
    .addHelpText("after", `\nScenarios:\n${list(scenarios)}\n\nExperiments:\n${list(experiments)}`)
    .action(async (name: string | undefined, flags: RunFlags) => {
      process.exitCode = await (name !== undefined && Object.hasOwn(experiments, name) ? runExperiment(name, flags) : runScenarioOnce(name, flags))
    })
  return new Command("sim").description("simulated overlays on a virtual clock").addCommand(run).addCommand(fuzzCommand())
}
