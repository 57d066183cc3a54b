// What a model learns once of where it works. It stands in front of a person's message or behind a tool's result, and
// never in the system prompt, whose beginning providers cache for all threads. Whatever a sandbox or a repository says
// is data: bounded, on one line or quoted, and without a tag that could end the quotation.
import { cutEnd } from "../../lib/truncate.ts";
import type { ProjectNotes, SandboxFacts } from "../sandbox.ts";
import { escapeTags } from "./own-tags.ts";

export interface Day {
  date: string;
  weekday: string;
  time_zone: string;
}

/** What the project's settings say of the network; null if they are not known. */
export type NetworkRules = { block_all?: boolean | undefined; allow?: string[] | undefined } | null;

/** More are seldom allowed, and the model only needs to know the kind. */
const SHOWN_NETWORKS = 20;
const VALUE_CHARACTERS = 200;
/** A sandbox with many programs has about twenty of those that are looked for. */
const SHOWN_PROGRAMS = 40;
/** About 2,000 tokens, which stay in the conversation. */
const NOTES_BYTES = 8 * 1024;

/** For the first message of a thread. `sandbox` is null if the agent has no tool that uses one. */
export function describeBeginning(day: Day, sandbox: { network: NetworkRules } | null): string {
  return inTags([
    describeDay(day),
    ...(sandbox === null
      ? []
      : [
          "Tools work in a Linux sandbox, which is made when it is first used. Paths are relative to its work dir.",
          ...describeNetwork(sandbox.network),
        ]),
  ]);
}

/** For the first message of a later day. */
export function describeLaterDay(day: Day): string {
  return `<environment>${describeDay(day)}</environment>`;
}

function describeDay({ weekday, date, time_zone }: Day): string {
  return `Today is ${weekday}, ${date} (time zone ${time_zone}).`;
}

function describeNetwork(rules: NetworkRules): string[] {
  if (rules === null) return [];
  if (rules.block_all) return ["Its network is blocked by the project's settings."];
  const { allow = [] } = rules;
  if (allow.length === 0) return ["The project's settings don't restrict its network."];
  const more = allow.length > SHOWN_NETWORKS ? `, and ${allow.length - SHOWN_NETWORKS} more` : "";
  return [`The project's settings let it reach only ${allow.slice(0, SHOWN_NETWORKS).map(toLine).join(", ")}${more}.`];
}

/** For the result of the first call that used a sandbox. */
export function describeSandbox({ system, work_dir, programs, has_route }: SandboxFacts): string {
  const names = programs
    .slice(0, SHOWN_PROGRAMS)
    .map(({ name, version }) => toLine(version ? `${name} ${version}` : name));
  return inTags([
    ...(system === "" ? [] : [`System of the sandbox: ${toLine(system)}`]),
    `Work dir: ${toLine(work_dir)}`,
    ...(names.length === 0 ? [] : [`Programs: ${names.join(", ")}`]),
    ...(has_route === false ? ["Network: no route to other machines"] : []),
  ]);
}

/** A file for agents of the checkout, as data. */
export function quoteNotes({ path, text, is_cut }: ProjectNotes): string {
  const shown = cutToBytes(text, NOTES_BYTES);
  const notice =
    is_cut || shown.length < text.length
      ? `\n[cut here: the file is longer; read_file shows all of ${toLine(path)}]`
      : "";
  const clean = shown.toWellFormed().replace(/[^\P{Cc}\n\t]/gu, "");
  return `<project_notes path=${JSON.stringify(toLine(path))}>\n${escapeTags(clean)}${notice}\n</project_notes>`;
}

/** The lines that fit. A first line that is longer is cut. */
function cutToBytes(text: string, limit: number): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= limit) return text;
  // A character that the limit cuts is left out.
  const fitting = new TextDecoder().decode(bytes.subarray(0, limit)).replace(/(?<!\ufffd)\ufffd+$/, "");
  const end = fitting.lastIndexOf("\n");
  return end > 0 ? fitting.slice(0, end) : fitting;
}

function toLine(text: string): string {
  const line = text
    .toWellFormed()
    .replace(/[\p{Cc}\s]+/gu, " ")
    .trim();
  return cutEnd(line, VALUE_CHARACTERS).replaceAll("<", "&lt;");
}

function inTags(lines: string[]): string {
  return ["<environment>", ...lines, "</environment>"].join("\n");
}
