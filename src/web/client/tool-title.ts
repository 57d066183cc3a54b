// What a tool call is about, in one line: a command, a path, an address.
// A search has a path too, but is about what it looks for.
const subjects = ["command", "pattern", "query", "path", "url", "port", "question", "command_id", "from"];

const silentTools = new Set([
  "create_tasks",
  "view_tasks",
  "update_tasks",
  "delete_tasks",
  "clear_all",
  "ask",
  "complete",
]);

/** The effect of these is visible elsewhere: in the plan, as a question, as the last word. */
export function isSilentTool(name: string): boolean {
  return silentTools.has(name);
}

/** A result without the tags that quote the web to a model: they say nothing to a person. */
export function withoutFences(result: string): string {
  return result.replace(/^<\/?web_content\b[^\n]*(?:\n|$)/gm, "");
}

/** From arguments that are still arriving, as far as they have come. */
export function describeCall(name: string, args: string): { verb: string; subject: string } {
  const value = parseRecord(args) ?? readArriving(args);
  const subject = subjects
    .map((key) => value[key])
    .find((each) => typeof each === "string" || typeof each === "number");
  return { verb: name, subject: subject === undefined ? "" : String(subject) };
}

const arriving = new RegExp(`"(${subjects.join("|")})"\\s*:\\s*"((?:[^"\\\\]|\\\\.)*)"`);

/** The argument to show is among the first, so a long file's content is not searched to its end for each piece. */
const maxSearched = 4_000;

function readArriving(args: string): Record<string, unknown> {
  const [, key, text] = arriving.exec(args.slice(0, maxSearched)) ?? [];
  return key === undefined ? {} : (parseRecord(`{"${key}":"${text}"}`) ?? {});
}

function parseRecord(text: string): Record<string, unknown> | null {
  if (!text.trimEnd().endsWith("}")) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return null;
  }
}
