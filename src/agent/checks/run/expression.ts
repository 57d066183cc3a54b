// Regular expressions of checks, matched in time in proportion to the text: a model or a person writes the expression,
// a program the text, and an engine that tries one way after another could be made to try for ever.
//
// An expression becomes a list of instructions, and all of its ways are followed at once, sign by sign. That leaves out
// what needs a memory: backreferences and lookaround. Groups only group, and lazy is greedy, since all that is asked is
// whether a line matches.
import { type Node, parseExpression, type SignSet } from "./expression-syntax.ts";

/** Of instructions. `{1000}` of a group is the largest usual one. */
const MAX_INSTRUCTIONS = 5_000;
/** Half a second. A usual expression takes less than ten steps for a sign, and a text has a mebibyte at most. */
const MAX_STEPS = 12_000_000;

export type Expression =
  | { ok: true; matches: (lines: readonly string[]) => boolean | "too_long" }
  | { ok: false; why: string };

type Instruction =
  | { kind: "sign"; set: SignSet }
  | { kind: "split"; ways: number[] }
  | { kind: "assert"; what: "start" | "end" | "edge" | "no_edge" }
  | { kind: "match" };

/** `why` is the end of a sentence that begins with the expression. */
export function readExpression(text: string): Expression {
  const parsed = parseExpression(text);
  if (!parsed.ok) return parsed;
  const program: Instruction[] = [];
  if (!compile(parsed.node, program)) return { ok: false, why: "is too long when its repetitions are written out" };
  program.push({ kind: "match" });
  return {
    ok: true,
    matches: (lines) => {
      const steps = { left: MAX_STEPS };
      for (const line of lines) {
        if (matchesLine(program, line, steps)) return true;
        if (steps.left <= 0) return "too_long";
      }
      return false;
    },
  };
}

/** Appends the node; false if it is too long. Whatever follows it comes next in the list. */
function compile(node: Node, program: Instruction[]): boolean {
  if (program.length > MAX_INSTRUCTIONS) return false;
  switch (node.kind) {
    case "sign":
      program.push({ kind: "sign", set: node.set });
      return true;
    case "assert":
      program.push({ kind: "assert", what: node.what });
      return true;
    case "sequence":
      return node.nodes.every((each) => compile(each, program));
    case "choice":
      return compileChoice(node.nodes, program);
    case "repeat": {
      for (let count = 0; count < node.min; count++) if (!compile(node.node, program)) return false;
      if (node.max === null) return compileLoop(node.node, program);
      const splits: { ways: number[] }[] = [];
      for (let count = node.min; count < node.max; count++) {
        splits.push(pushSplit(program));
        if (!compile(node.node, program)) return false;
      }
      for (const { ways } of splits) ways.push(program.length);
      return true;
    }
  }
}

function compileChoice(nodes: Node[], program: Instruction[]): boolean {
  const ends: { ways: number[] }[] = [];
  for (const [at, each] of nodes.entries()) {
    const split = at < nodes.length - 1 ? pushSplit(program) : null;
    if (!compile(each, program)) return false;
    if (split === null) break;
    const end = { kind: "split" as const, ways: [] };
    program.push(end);
    ends.push(end);
    split.ways.push(program.length);
  }
  for (const { ways } of ends) ways.push(program.length);
  return true;
}

function compileLoop(node: Node, program: Instruction[]): boolean {
  const start = program.length;
  const split = pushSplit(program);
  if (!compile(node, program)) return false;
  program.push({ kind: "split", ways: [start] });
  split.ways.push(program.length);
  return true;
}

/** One that leads to the next instruction, and to where its caller says. */
function pushSplit(program: Instruction[]): { ways: number[] } {
  const split = { kind: "split" as const, ways: [program.length + 1] };
  program.push(split);
  return split;
}

function matchesLine(program: Instruction[], line: string, steps: { left: number }): boolean {
  const marks = new Int32Array(program.length).fill(-1);
  let current: number[] = [];
  for (let at = 0; at <= line.length; at++) {
    const next: number[] = [];
    if (follow(program, [0, ...current], { line, at, marks, steps }, next)) return true;
    if (at === line.length || steps.left <= 0) return false;
    const sign = line.charCodeAt(at);
    current = next.filter((place) => {
      const instruction = program[place];
      return instruction?.kind === "sign" && instruction.set(sign);
    });
    current = current.map((place) => place + 1);
    steps.left -= next.length;
  }
  return false;
}

/** Fills `found` with the instructions that wait for a sign; true if one way is at its end. */
function follow(
  program: Instruction[],
  places: number[],
  { line, at, marks, steps }: { line: string; at: number; marks: Int32Array; steps: { left: number } },
  found: number[],
): boolean {
  const open = places;
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    if (marks[place] === at) continue;
    marks[place] = at;
    steps.left--;
    const instruction = program[place];
    if (instruction === undefined) continue;
    if (instruction.kind === "match") return true;
    if (instruction.kind === "sign") found.push(place);
    else if (instruction.kind === "split") open.push(...instruction.ways);
    else if (holds(instruction.what, line, at)) open.push(place + 1);
  }
  return false;
}

function holds(what: "start" | "end" | "edge" | "no_edge", line: string, at: number): boolean {
  if (what === "start") return at === 0;
  if (what === "end") return at === line.length;
  return (isWord(line, at - 1) !== isWord(line, at)) === (what === "edge");
}

function isWord(line: string, at: number): boolean {
  return /^\w$/.test(line.charAt(at));
}
