// The report for people: a line per request with the reasons for lost points, then a table by kind. All text from a
// model or its server goes through `plain`, since it is printed in a terminal.
import type { Usage } from "../../src/protocol/run.ts";
import { plain, shorten, widthOf } from "../ask/width.ts";
import type { Outcome } from "./ask-model.ts";
import { kinds } from "./requests.ts";

export interface Totals {
  passed: number;
  asked: number;
  failed: number;
  /** The mean score of all requests; one without a reply counts as 0. */
  score: number;
}

/** The first few faults of a plan suffice. */
const FAULTS_SHOWN = 3;
const WIDTH = 100;

export function sumUp(outcomes: Outcome[]): Totals {
  const scored = outcomes.flatMap((outcome) => (outcome.kind === "scored" ? [outcome.score] : []));
  const total = scored.reduce((sum, { score }) => sum + score, 0);
  return {
    passed: scored.filter(({ passed }) => passed).length,
    asked: outcomes.length,
    failed: outcomes.length - scored.length,
    score: outcomes.length === 0 ? 0 : total / outcomes.length,
  };
}

export function describeOutcome(outcome: Outcome): string[] {
  const { request } = outcome;
  const isScored = outcome.kind === "scored";
  const head = [
    isScored && outcome.score.passed ? "✓" : "✗",
    isScored ? outcome.score.score.toFixed(2) : " –  ",
    (isScored ? outcome.score.move : "failed").padEnd(7),
    request.id.padEnd(13),
    request.text,
  ].join("  ");
  const faults = isScored ? outcome.score.faults : [outcome.message];
  const shown = faults.slice(0, FAULTS_SHOWN).map((fault) => `      ${oneLine(fault)}`);
  const more = faults.length > FAULTS_SHOWN ? [`      … ${faults.length - FAULTS_SHOWN} more`] : [];
  return [shorten(head, WIDTH), ...shown.map((line) => shorten(line, WIDTH)), ...more];
}

export function describeTotals(outcomes: Outcome[]): string[] {
  const rows = kinds.flatMap((kind) => {
    const own = outcomes.filter(({ request }) => request.kind === kind);
    return own.length > 0 ? [describeRow(kind, sumUp(own))] : [];
  });
  return [describeHead(), ...rows, describeRow("all", sumUp(outcomes))];
}

function describeHead(): string {
  return `${"kind".padEnd(14)}${"passed".padStart(9)}${"score".padStart(8)}`;
}

function describeRow(name: string, { passed, asked, score, failed }: Totals): string {
  const without = failed > 0 ? `   ${failed} without a reply` : "";
  return `${name.padEnd(14)}${`${passed}/${asked}`.padStart(9)}${score.toFixed(2).padStart(8)}${without}`;
}

/** Null where no reply reported its usage. */
export function describeUsage(outcomes: Outcome[]): string | null {
  const reported = outcomes.flatMap((outcome) => (outcome.kind === "scored" && outcome.usage ? [outcome.usage] : []));
  if (reported.length === 0) return null;
  const sum = (name: "input_tokens" | "cached_input_tokens" | "output_tokens") =>
    reported.reduce((total: number, usage: Usage) => total + usage[name], 0).toLocaleString("en");
  return `tokens: ${sum("input_tokens")} in (${sum("cached_input_tokens")} of them cached), ${sum("output_tokens")} out`;
}

export function frame(text: string): string[] {
  const lines = text.split("\n").map(plain);
  const rule = "!".repeat(Math.min(WIDTH, Math.max(...lines.map(widthOf))));
  return [rule, ...lines, rule];
}

function oneLine(text: string): string {
  return plain(text).replace(/\s+/g, " ");
}
