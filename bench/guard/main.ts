// The guard of `npm run check` and `npm test`: counts what turns, steps and tokens cost and compares it with the table of
// docs/costs.md. Worse fails. `--record` writes the table, and the one of docs/operating.md.
import { mkdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { stopAll } from "../processes/programs.ts";
import { makeTemporaryFolder } from "../processes/temporary-folder.ts";
import { compareFigures, listFigures, readFigures, writeFigures } from "./costs.ts";
import { countCosts } from "./count.ts";
import { writeOperatingPage } from "./operating-page.ts";

const root = join(import.meta.dirname, "../..");
const path = join(root, "docs/costs.md");

/**
 * A third of the 3 MB that the smallest plan allows: each start parses all of it, a third of which are SDKs that no start
 * evaluates (docs/decisions/0086-lean-packages.md). `--record` can't exceed it.
 */
const CEILING_KIB = 950;

/** Returns whether nothing is worse. */
async function guard(folder: string, isRecording: boolean): Promise<boolean> {
  const document = await readFile(path, "utf8");
  // A page that can't be read is said before anything is counted; recording makes it anew.
  const recorded = isRecording ? new Map() : readFigures(document);
  const { costs, gzip_kib } = await countCosts(folder);
  if (gzip_kib > CEILING_KIB) {
    console.error(`bundle: ${gzip_kib.toFixed(0)} KiB gzip, ceiling ${CEILING_KIB} KiB; nothing is recorded`);
    return false;
  }
  console.log(`bundle: ${gzip_kib.toFixed(0)} KiB gzip, ceiling ${CEILING_KIB} KiB`);
  if (isRecording) {
    await writeFile(path, writeFigures(document, listFigures(costs)));
    await writeOperatingPage();
    console.log("costs: recorded in docs/costs.md, prices in docs/operating.md");
    return true;
  }
  const { worse, better } = compareFigures(listFigures(costs), recorded);
  console.log(`costs: ${worse.length} worse than docs/costs.md says, ${better.length} better`);
  for (const line of worse) console.error(`worse: ${line}`);
  for (const line of better) console.log(`better: ${line}`);
  if (worse.length > 0) console.error("If it has to be, record it with `npm run check -- --record` and say why.");
  else if (better.length > 0) console.log("Record it with `npm run check -- --record`, so that it stays.");
  return worse.length === 0;
}

const { values } = parseArgs({ options: { record: { type: "boolean", default: false } } });
const folder = makeTemporaryFolder("taskloom-costs-");
// wrangler.toml names this folder; the page in it is no part of the bundle.
mkdirSync(join(root, "dist/web"), { recursive: true });
try {
  process.exitCode = (await guard(folder, values.record)) ? 0 : 1;
} catch (error) {
  console.error(`costs: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  await stopAll();
}
