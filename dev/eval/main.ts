// `npm run eval`: how well the configured model decides, with our prompt, between planning, answering and asking. Reads
// settings as `npm start` does. Exits with 0 where the threshold is reached, else with 1.
import { join } from "node:path";
import { plain } from "../ask/width.ts";
import { endWithReader } from "../reader.ts";
import { readSettings } from "../start/settings.ts";
import { type EvalArguments, readArguments, usage } from "./arguments.ts";
import { evaluate } from "./evaluate.ts";

const root = join(import.meta.dirname, "../..");

async function main(): Promise<void> {
  endWithReader();
  let options: EvalArguments;
  try {
    options = readArguments(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\nusage: ${usage}`);
    process.exitCode = 1;
    return;
  }
  if (options.lies) return measure(options);
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopping.abort());
  try {
    const settings = await readSettings(root, process.env);
    process.exitCode = await evaluate(options, { settings, print: console.log, signal: stopping.signal });
  } catch (error) {
    console.error(plain(error instanceof Error ? error.message : String(error)));
    process.exitCode = 1;
  }
}

/** Loaded only here: it builds the Worker and starts sandboxes. */
async function measure({ only, record }: EvalArguments): Promise<void> {
  try {
    const { measureLies } = await import("../../test/lies/measure.ts");
    process.exitCode = await measureLies({ only, record }, console.log);
  } catch (error) {
    console.error(plain(error instanceof Error ? error.message : String(error)));
    process.exitCode = 1;
  }
}

await main();
