// What a tool call is about, in one line: a command, a path, an address.
const telling = ["command", "path", "url", "port", "query", "pattern", "question", "command_id", "from"];

const silentTools = new Set([
  "create_tasks",
  "view_tasks",
  "update_tasks",
  "delete_tasks",
  "clear_all",
  "ask",
  "complete",
]);

/** What these do shows by itself: in the plan, as a question, as the last word. */
export function isSilentTool(name: string): boolean {
  return silentTools.has(name);
}

/** Arguments that are still arriving, or are no JSON, say nothing yet. */
export function describeCall(name: string, args: string): { verb: string; subject: string } {
  const value = parseRecord(args);
  const subject = telling.map((key) => value[key]).find((each) => typeof each === "string" || typeof each === "number");
  return { verb: name, subject: subject === undefined ? "" : String(subject) };
}

function parseRecord(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
