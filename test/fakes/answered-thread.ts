// The outcome of a thread's calls, and of an answer that it does not accept.
import type { ToolMessage } from "../../src/protocol/message.ts";
import type { RunInput } from "../../src/protocol/thread.ts";
import { readHistory } from "../../src/thread/run/summaries.ts";
import type { FakeThread } from "./thread.ts";

/** Contents of results by call id. */
export function resultsOf(thread: FakeThread): Record<string, string> {
  const { history } = readHistory(thread.life.database.sql);
  const results = history.filter((message): message is ToolMessage => message.role === "tool");
  return Object.fromEntries(results.map(({ tool_call_id, content }) => [tool_call_id, content]));
}

export async function refusalOf(thread: FakeThread, more: Partial<RunInput>): Promise<string> {
  const accepted = await thread.accept("", more);
  return accepted.ok ? "accepted" : `${accepted.error.code}: ${accepted.error.detail}`;
}
