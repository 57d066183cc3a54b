// The ledger in a few lines for the model's closing report: by task, what was done and what proves it. Names of tasks,
// commands and files in it are data.
import { cutEnd } from "../../lib/truncate.ts";
import type { Ledger, TaskLedger } from "../../protocol/plan/ledger.ts";
import type { Plan, Task } from "../../protocol/plan/task.ts";
import { quoteAsData } from "./text.ts";
import { tasksInOrder } from "./view.ts";

/** About 800 tokens: enough to cite from, and only one or two calls of a run include it. */
export const DIGEST_CHARACTERS = 3_000;
/** How many of each kind are shown, newest last. */
const SHOWN = 3;
const CONTENT_CHARACTERS = 60;
const COMMAND_CHARACTERS = 80;
const LINK_CHARACTERS = 500;

/** Null if nothing is known about any task. */
export function digestLedger(plan: Plan, ledger: Ledger): string | null {
  const lines: string[] = [];
  let left = DIGEST_CHARACTERS;
  const tasks = tasksInOrder(plan).filter(({ id }) => (ledger[id]?.calls ?? 0) > 0 || ledger[id]?.finished_at);
  for (const [index, task] of tasks.entries()) {
    const line = describeTask(task, ledger[task.id] as TaskLedger);
    left -= line.length + 1;
    if (left < 0) {
      lines.push(`- … and ${tasks.length - index} more tasks`);
      break;
    }
    lines.push(line);
  }
  return lines.length === 0 ? null : lines.join("\n");
}

function describeTask(task: Task, entry: TaskLedger): string {
  const parts = [
    listNewest(entry.files, entry.file_count, ({ path, action }) => `${action} ${quoteAsData(path)}`),
    listNewest(entry.commands, entry.command_count, ({ command, exit_code }) => {
      const end = exit_code === null ? "not seen to end" : `exit code ${exit_code}`;
      return `ran ${quoteAsData(cutEnd(command, COMMAND_CHARACTERS))} (${end})`;
    }),
    listNewest(entry.links, entry.link_count, ({ port, url }) => `port ${port} at ${quoteLink(url)}`),
    countCalls(entry),
  ].filter((part) => part !== "");
  const unproven = task.status === "completed" && !entry.proven ? ", nothing shows it" : "";
  return `- ${quoteAsData(cutEnd(task.content, CONTENT_CHARACTERS))} (${task.status}${unproven}): ${parts.join("; ") || "no calls"}`;
}

function listNewest<Item>(items: Item[], count: number, describe: (item: Item) => string): string {
  const shown = items.slice(-SHOWN).map(describe);
  const more = count - shown.length;
  return `${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function countCalls({ calls, failed_calls }: TaskLedger): string {
  if (calls === 0) return "";
  return `${calls} ${calls === 1 ? "call" : "calls"}${failed_calls > 0 ? `, ${failed_calls} failed` : ""}`;
}

/** A link is quoted in full or left out, because half a link leads nowhere. */
function quoteLink(url: string): string {
  if (url.length > LINK_CHARACTERS) return "an address too long to show";
  return JSON.stringify(url).replaceAll("<", "\\u003c");
}
