// `npm run bench`: what a token, a turn and a tool step cost, compared with a Durable Object that only forwards the
// model's bytes, with a hand-written loop and, on request, with other agent servers; or how costs grow, or what Cloudflare bills. Prints Markdown,
// and writes figures and charts to `dist/bench`. docs/performance.md has the figures and what they mean.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { endWithReader } from "../dev/reader.ts";
import { type Flags, readFlags, usage } from "./arguments.ts";
import { measureBills } from "./cost/cost.ts";
import { measureGrowth } from "./growth/growth.ts";
import { startProgram, stopAll } from "./processes/programs.ts";
import { makeTemporaryFolder } from "./processes/temporary-folder.ts";
import { measureQuotas } from "./quotas/quotas.ts";
import { describeMachine, saveRun } from "./results.ts";
import { API_KEY, measureSandboxes } from "./sandbox.ts";
import { measureScale } from "./scale/scale.ts";
import { compareTurns } from "./turns/compare.ts";
import { formatWeb, measureWeb } from "./web.ts";

async function measure({ measured, short, rounds, ...choice }: Flags, folder: string): Promise<void> {
  const usual = rounds ?? (short ? 1 : 5);
  switch (measured) {
    case "turns":
      return saveRun(await compareTurns({ ...choice, short, rounds: usual }, folder));
    case "cost": {
      const { over, ...result } = await measureBills(folder, choice.scenarios);
      await saveRun(result);
      for (const line of over) console.error(line);
      if (over.length > 0) process.exitCode = 1;
      return;
    }
    case "growth":
      // Rounds are of the readers: the other sweeps repeat turns, not themselves.
      return saveRun(await measureGrowth(short, rounds ?? (short ? 1 : 3), folder));
    case "quotas":
      return saveRun(await measureQuotas(rounds ?? (short ? 1 : 3), folder));
    case "scale":
      return saveRun(await measureScale(folder));
    case "sandbox": {
      const { said } = await startProgram("daytona.ts", 0, [API_KEY]);
      const figures = await measureSandboxes({ api_url: String(said.api_url), rounds: usual });
      console.log(`\n${describeMachine()}; ${said.isolation}; rounds: ${usual}\n\n${figures}`);
      return;
    }
    case "web":
      console.log(`\n${describeMachine()}; rounds: ${usual}\n\n${formatWeb(await measureWeb(usual))}`);
  }
}

function readFlagsOrExit(): Flags {
  try {
    return readFlags(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    process.exit(2);
  }
}

endWithReader();
const flags = readFlagsOrExit();
const folder = makeTemporaryFolder("taskloom-bench-");
// wrangler.toml names this folder; the page in it is no part of what is measured.
mkdirSync(join(import.meta.dirname, "../dist/web"), { recursive: true });
try {
  await measure(flags, folder);
} finally {
  await stopAll();
}
