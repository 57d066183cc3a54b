// Threads whose turns are asked again or edited, and what their lists show.
import type { RunInput } from "../../src/protocol/thread.ts";
import { readMessagePage } from "../../src/thread/rows/reads.ts";
import { say } from "./replies.ts";
import { FakeThread } from "./thread.ts";

export const page = { cursor: null, limit: 200, types: [], after: null };

export function again(message_id: string, more: Partial<RunInput> = {}): Partial<RunInput> {
  return { messages: [], on_busy: "reject", supersede: { message_id, replaces: false }, ...more };
}

export function edit(
  message_id: string,
  content: string,
  id = "msg_new",
  more: Partial<RunInput> = {},
): Partial<RunInput> {
  return {
    ...again(message_id),
    supersede: { message_id, replaces: true, message: { message_id: id, content } },
    ...more,
  };
}

/** Types and texts of the rows of a list. */
export function listed(thread: FakeThread, superseded = false): string[] {
  const read = readMessagePage(thread.life, { ...page, superseded });
  if (!read.ok) throw new Error(read.error.detail);
  return read.value.data
    .filter(({ type }) => type !== "task_list")
    .map((row) => {
      const { content } = row.content as { content?: unknown };
      return `${row.superseded_by === undefined ? "" : "-"}${row.type} ${String(content ?? "")}`.trim();
    });
}

export async function twoTurns(...replies: Parameters<typeof say>[0][]): Promise<FakeThread> {
  const thread = new FakeThread({ replies: ["one", "two", ...replies].map((text) => say(text)) });
  await thread.run("first", { invocation_id: "inv_a" });
  await thread.run("second", { invocation_id: "inv_b" });
  return thread;
}
