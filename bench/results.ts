// Where a run's figures are kept, and what machine they are of. `dist/bench` has each run as JSON, Markdown and charts.
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { join, relative } from "node:path";
import { pinning } from "./processes/programs.ts";

export interface RunResult {
  /** What was measured, in a word: the files' name. */
  name: string;
  markdown: string;
  /** By file name. */
  charts: Record<string, string>;
  figures: unknown;
}

export function describeMachine(): string {
  const { version } = createRequire(import.meta.url)("workerd") as { version: string };
  return `${cpus()[0]?.model.trim()}, ${cpus().length} cores (${pinning}); Node ${process.versions.node}, workerd ${version}`;
}

const begun = new Date().toISOString();
const command = `npm run bench${process.argv.length > 2 ? ` -- ${process.argv.slice(2).map(quote).join(" ")}` : ""}`;

/** Stores what there is so far. */
export async function saveFigures(name: string, figures: unknown): Promise<void> {
  const record = { date: begun, command, machine: describeMachine(), figures };
  await writeFile(join(await makeFolder(name), "figures.json"), `${JSON.stringify(record, null, 1)}\n`);
}

/** Prints the Markdown, and stores everything. */
export async function saveRun({ name, markdown, charts, figures }: RunResult): Promise<void> {
  const text = `${begun.slice(0, 10)}, ${describeMachine()}. \`${command}\`\n\n${markdown}\n`;
  const folder = await makeFolder(name);
  await saveFigures(name, figures);
  await writeFile(join(folder, "figures.md"), text);
  for (const [file, chart] of Object.entries(charts)) await writeFile(join(folder, file), chart);
  console.log(`\n${text}\nStored in ${relative(process.cwd(), folder)}`);
}

async function makeFolder(name: string): Promise<string> {
  const folder = join(import.meta.dirname, "../dist/bench", `${begun.slice(0, 19).replaceAll(":", "")}-${name}`);
  await mkdir(folder, { recursive: true });
  return folder;
}

function quote(argument: string): string {
  return /^[\w,.=-]+$/.test(argument) ? argument : `"${argument}"`;
}
