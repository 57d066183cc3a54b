// The sources of a run, printed below its answer. Addresses are plain text, without the escape sequences of links,
// which not every terminal hides.
import type { RunSource } from "../../src/protocol/run.ts";
import { plain, shorten } from "./width.ts";

/** Marks of direction could show an address as another one. */
const clean = (text: string): string => plain(text).replace(/\p{Cf}/gu, "");

const maxColumns = 100;

export function sourceLines(sources: RunSource[]): string[] {
  if (sources.length === 0) return [];
  return ["", "Sources", ...sources.map((source) => `  ${lineOf(source)}`)];
}

function lineOf({ n, url, title, read, cited }: RunSource): string {
  const name = clean(title ?? "")
    .replace(/\s+/g, " ")
    .trim();
  const notes = [...(read ? [] : ["not read"]), ...(cited ? [] : ["not cited"])];
  const note = notes.length === 0 ? "" : ` (${notes.join(", ")})`;
  return `[${n}] ${name === "" ? "" : `${shorten(name, maxColumns)} — `}${clean(url)}${note}`;
}
