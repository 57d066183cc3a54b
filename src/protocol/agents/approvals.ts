// Parses approvals in the forms that people write: by tool with one pattern or a list, or as a list of calls. The
// result is always patterns by tool. Anything else is refused with its place, because an approval that is lost guards
// nothing.
import type { AgentConfig } from "./agent.ts";

type Written = Record<string, string | string[]> | (string | { tool: string; pattern?: string })[];

type Reading =
  | { ok: true; value: AgentConfig["approvals"] }
  | { ok: false; path: (string | number)[]; message: string };

/** As many as a person can keep in mind. Each pattern is tested on each call of its tool. */
const MAX_PATTERNS = 100;
const PATTERN_CHARACTERS = 500;
const EVERY_CALL = "*";

interface Approval {
  tool: string;
  pattern: string;
  /** Where it was written. */
  path: (string | number)[];
}

export function readApprovals(written: Written, tools: string[]): Reading {
  const patterns = new Map<string, Set<string>>();
  let count = 0;
  for (const { tool, pattern, path } of listApprovals(written)) {
    const refuse = (message: string): Reading => ({ ok: false, path, message });
    if (!tools.includes(tool)) return refuse(describeUnknown(tool, tools));
    if (pattern.trim() === "") return refuse(`names no pattern; ${EVERY_CALL} is every call`);
    if (pattern.length > PATTERN_CHARACTERS)
      return refuse(`the pattern is longer than ${PATTERN_CHARACTERS} characters`);
    if (!pattern.isWellFormed()) return refuse("is not well-formed Unicode (a lone surrogate)");
    const known = patterns.get(tool) ?? new Set();
    if (!known.has(pattern)) count += 1;
    if (count > MAX_PATTERNS) return refuse(`there are more than ${MAX_PATTERNS} patterns in all`);
    patterns.set(tool, known.add(pattern));
  }
  return { ok: true, value: Object.fromEntries(Array.from(patterns, ([tool, known]) => [tool, [...known]])) };
}

function listApprovals(written: Written): Approval[] {
  if (Array.isArray(written)) {
    return written.map((call, place) => {
      const { tool, pattern = EVERY_CALL } = typeof call === "string" ? splitCall(call) : call;
      return { tool, pattern, path: [place] };
    });
  }
  return Object.entries(written).flatMap(([tool, given]) => {
    const patterns = typeof given === "string" ? [given] : given;
    // A tool without a pattern could mean every call or none. The empty pattern makes the caller refuse it.
    if (patterns.length === 0) return [{ tool, pattern: "", path: [tool] }];
    return patterns.map((pattern) => ({ tool, pattern, path: [tool] }));
  });
}

/** Parses `execute_command: rm *`. The name of a tool alone means every call of it. */
function splitCall(text: string): { tool: string; pattern: string } {
  const colon = text.indexOf(":");
  if (colon < 0) return { tool: text.trim(), pattern: EVERY_CALL };
  return { tool: text.slice(0, colon).trim(), pattern: text.slice(colon + 1).trim() };
}

/** The error for a name that is none of the server's tools. A client's own tools need no approval here. */
export function describeUnknown(name: string, tools: string[]): string {
  return `there is no tool ${JSON.stringify(name.slice(0, 64))}; the tools are ${tools.join(", ")}`;
}
