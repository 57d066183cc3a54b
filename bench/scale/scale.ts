// `npm run bench -- --scale`: which limit is met first with how many threads a day, and what they cost. Measures the bytes
// that are stored, takes the other costs from docs/costs.md, simulates the busiest hour, and writes docs/scale.md.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunResult } from "../results.ts";
import { type Measured, measureBytes } from "./measure.ts";
import { formatBill, formatBytesOf, formatColumns, formatScale } from "./tables.ts";
import { type CountedCosts, readCounted } from "./units.ts";

const page = join(import.meta.dirname, "../../docs/scale.md");

export async function measureScale(folder: string): Promise<RunResult> {
  const [measured, counted] = [await measureBytes(folder), await readCounted()];
  const document = writeTables(await readFile(page, "utf8"), counted, measured);
  await writeFile(page, document);
  const tables = makeTables(counted, measured);
  return { name: "scale", markdown: Object.values(tables).join("\n\n"), charts: {}, figures: { measured, counted } };
}

function makeTables(counted: CountedCosts, measured: Measured): Record<string, string> {
  return {
    limits: formatScale(measured),
    bill: formatBill(counted, measured),
    bytes: formatBytesOf(measured),
    columns: formatColumns(measured),
  };
}

/** Each table stands between two marks with its name. */
function writeTables(document: string, counted: CountedCosts, measured: Measured): string {
  let text = document;
  for (const [name, table] of Object.entries(makeTables(counted, measured))) {
    const start = `<!-- ${name}: written by \`npm run bench -- --scale\` -->`;
    const end = `<!-- end of ${name} -->`;
    const [from, to] = [text.indexOf(start) + start.length, text.indexOf(end)];
    if (from < start.length || to < from) throw new Error(`docs/scale.md has no place for ${name}`);
    text = `${text.slice(0, from)}\n\n${table}\n\n${text.slice(to)}`;
  }
  return text;
}
