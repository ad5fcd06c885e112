/** `p2psip bench`: what it costs on this machine, with charts. */
import { Command } from "commander"
import { outsidePeers } from "../bench/peers/index.ts"
import { workloads } from "../bench/workloads.ts"
import { runCompare } from "./bench-compare.ts"
import { defaults } from "./bench-choice.ts"
import type { CompareFlags } from "./bench-choice.ts"
import { runSeeds, seedsDefaults } from "./bench-seeds.ts"
import type { SeedsFlags } from "./bench-seeds.ts"

/** The command with its subcommands, to be added to the program. */
export function benchCommand(): Command {
  return new Command("bench").description("what registrations, calls and look-ups cost on this machine").addCommand(compareCommand()).addCommand(seedsCommand())
}

function compareCommand(): Command {
  const list = (entries: readonly { readonly name: string; readonly about: string }[]): string =>
    entries.map(({ name, about }) => `  ${name.padEnd(17)}${about}`).join("\n")
  return new Command("compare")
    .description("run backends, and programs of others, against each other; write a page with charts")
    .option("--backends <names>", `default: ${defaults.backends}`)
    .option("--others <names>", "programs of others, or all; those that are not installed are skipped")
    .option("--workloads <names>", `default: ${defaults.workloads}`)
    .option("--setups <names>", `processes (libp2p), one-process (no network), simulated (default: ${defaults.setups})`)
    .option("--peers <counts>", `peers of an overlay (default: ${defaults.peers})`)
    .option("--entry <where>", `spread over all peers, or all to the first (default: ${defaults.entry})`)
    .option("--storage <where>", `memory, sqlite (default: ${defaults.storage})`)
    .option("--simulated <counts>", `peers of simulated overlays (default: ${defaults.simulated})`)
    .option("--runs <count>", `of each side, in turn (default: ${defaults.runs})`)
    .option("--seconds <time>", `of each workload in a run (default: ${defaults.seconds})`)
    .option("--warm-up <seconds>", `before it (default: ${defaults.warmUp})`)
    .option("--users <count>", `registered beforehand (default: ${defaults.users})`)
    .option("--rate-factor <number>", `offers so many times as much (default: ${defaults.rateFactor})`)
    .option("--html <file>", "the page (default: p2psip-bench.html)")
    .option("--json <file>", "all figures of all runs")
    .option("--against <file>", "what such a file says, to show what has changed since")
    .addHelpText("after", `\nWorkloads:\n${list(workloads)}\n\nPrograms of others:\n${list(Object.values(outsidePeers))}`)
    .action(async (flags: CompareFlags) => {
      process.exitCode = await runCompare(flags)
    })
}

function seedsCommand(): Command {
  return new Command("seeds")
    .description("make Wauthy's measurements of 2007 again (Table 6.1, Figures 6.9 to 6.14), and show then and now")
    .option("--nodes <counts>", `default: ${seedsDefaults.nodes}`)
    .option("--seconds <time>", `of each measurement (default: ${seedsDefaults.seconds})`)
    .option("--runs <count>", `default: ${seedsDefaults.runs}`)
    .option("--users <count>", `registered beforehand (default: ${seedsDefaults.users})`)
    .option("--html <file>", "the page (default: p2psip-seeds.html)")
    .option("--json <file>", "all figures of all runs")
    .action(async (flags: SeedsFlags) => {
      process.exitCode = await runSeeds(flags)
    })
}
