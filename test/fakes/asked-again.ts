// A thread whose turns are asked again or edited, and what its lists, its model and its readers then have.
import type { ThreadEvent } from "../../src/protocol/event.ts";
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
    messages: [{ message_id: id, content }],
    supersede: { message_id, replaces: true },
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

export function said(thread: FakeThread) {
  return (thread.requests.at(-1)?.messages ?? []).filter(({ role }) => role !== "system");
}

/** What the model read in its last request. */
export function read(thread: FakeThread): string[] {
  return said(thread).map(({ role, content }) => `${role} ${String(content ?? "")}`.trim());
}

export function snapshotIn(events: ThreadEvent[]) {
  const snapshot = events.findLast((event) => event.type === "MESSAGES_SNAPSHOT");
  return snapshot?.messages.map((message) => ("content" in message ? message.content : "")) ?? null;
}

export async function twoTurns(...replies: Parameters<typeof say>[0][]): Promise<FakeThread> {
  const thread = new FakeThread({ replies: ["one", "two", ...replies].map((text) => say(text)) });
  await thread.run("first", { invocation_id: "inv_a" });
  await thread.run("second", { invocation_id: "inv_b" });
  return thread;
}
