// `npm run bench -- --growth`: how costs grow with the messages of a thread, the readers of its stream and the threads
// of a process. One sweep for each, on the product; what a turn takes is also measured on the hand-written loop.
import type { RunResult } from "../results.ts";
import { drawGrowth } from "./chart.ts";
import { measureMessages } from "./messages.ts";
import type { Growth } from "./points.ts";
import { measureReaders, orderOf } from "./readers.ts";
import { prepareStage } from "./stage.ts";
import { formatGrowth } from "./tables.ts";
import { measureThreads } from "./threads.ts";

export async function measureGrowth(short: boolean, rounds: number, folder: string): Promise<RunResult> {
  const stage = await prepareStage(folder);
  const growth: Growth = {
    messages: await measureMessages(stage, short),
    readers: await measureReaders(stage, short, rounds),
    threads: await measureThreads(stage, short),
    rounds,
    reading: orderOf(short),
  };
  return {
    name: "growth",
    markdown: formatGrowth(growth),
    charts: { "growth.svg": drawGrowth(growth) },
    figures: growth,
  };
}
