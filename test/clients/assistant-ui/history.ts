// What a reload shows is what the thread has: the conversation of `GET …/messages`, in AG-UI's form. A run that is at
// work continues: `runId` of a known run attaches to it.
import { HttpAgent } from "@ag-ui/client";
import {
  type ChatModelRunResult,
  ExportedMessageRepository,
  type ThreadHistoryAdapter,
  type ThreadMessageLike,
} from "@assistant-ui/react";
import { fromAgUiMessages } from "@assistant-ui/react-ag-ui";
import type { ReadonlyJSONValue } from "assistant-stream/utils";

interface Place {
  server: string;
  agent: string;
  threadId: string;
  headers: Record<string, string>;
}

interface Row {
  message_id: string;
  type: string;
  content: { content?: unknown; tool_calls?: unknown; tool_call_id?: string };
}

interface Page {
  data: Row[];
  next_cursor: string | null;
}

type AgUiMessages = Parameters<typeof fromAgUiMessages>[0];

/**
 * Resolves with the history at hand. `react-ag-ui` puts what it loads over what a person has sent meanwhile, so a page
 * has it before it shows a field, and shows none if it can't be had.
 */
export async function openHistory(place: Place): Promise<ThreadHistoryAdapter> {
  const { server, threadId, headers } = place;
  // A failure is no empty history: with `whole_history`, the next message would replace everything.
  const read = async <Answer>(what: string, ofNoThread: Answer): Promise<Answer> => {
    const response = await fetch(`${server}/v1/threads/${encodeURIComponent(threadId)}/${what}`, { headers });
    if (response.status === 404) return ofNoThread;
    if (!response.ok) throw new Error(`The history is out of reach: ${response.status}.`);
    return (await response.json()) as Answer;
  };
  // All pages: what a whole history lacks was taken back.
  const readRows = async (): Promise<Row[]> => {
    const rows: Row[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const query = new URLSearchParams({ limit: "200", ...(cursor && { cursor }) });
      const page: Page = await read<Page>(`messages?${query}`, { data: [], next_cursor: null });
      rows.push(...page.data);
      cursor = page.next_cursor;
    }
    return rows;
  };
  const [rows, { data: runs }, plan] = await Promise.all([
    readRows(),
    read<{ data: { invocation_id: string; status: string }[] }>("runs?limit=1", { data: [] }),
    read<ReadonlyJSONValue>("tasks", null),
  ]);
  const newest = runs[0];
  // A run that asks a person has ended, and brings its questions at its end.
  const running = newest !== undefined && resumed.has(newest.status) ? newest.invocation_id : undefined;
  const messages = rows.flatMap(toAgUiMessage);
  // All that has come of the running turn comes again with the run.
  const shown = running === undefined ? messages : messages.slice(0, lastOfPerson(messages) + 1);
  const repository = ExportedMessageRepository.fromArray(fromAgUiMessages(shown as AgUiMessages));
  return {
    load: async () => ({ ...repository, unstable_resume: running !== undefined, state: { plan } }),
    async *resume({ abortSignal }) {
      if (running !== undefined) yield* follow(place, running, abortSignal);
    },
    append: async () => {},
  };
}

const resumed = new Set(["queued", "running", "interrupted"]);

function toAgUiMessage({ message_id: id, type: role, content }: Row): { id: string; role: string }[] {
  const { content: text = "", tool_calls: toolCalls, tool_call_id: toolCallId } = content;
  if (role === "user") return [{ id, role, content: text } as { id: string; role: string }];
  if (role === "assistant") return [{ id, role, content: text, toolCalls } as { id: string; role: string }];
  if (role === "tool") return [{ id, role, toolCallId, content: text } as { id: string; role: string }];
  return [];
}

function lastOfPerson(messages: readonly { role: string }[]): number {
  return messages.findLastIndex(({ role }) => role === "user");
}

/** The turn as it grows, whole each time. */
async function* follow(
  { agent: url, threadId, headers }: Place,
  runId: string,
  signal: AbortSignal,
): AsyncGenerator<ChatModelRunResult, void> {
  const follower = new HttpAgent({ url, headers, threadId });
  signal.addEventListener("abort", () => follower.abortRun(), { once: true });
  const { readable, writable } = new TransformStream<ChatModelRunResult, ChatModelRunResult>();
  const writer = writable.getWriter();
  const ended = follower.runAgent(
    { runId },
    {
      onMessagesChanged: ({ messages }) => {
        const turn = fromAgUiMessages(messages.slice(lastOfPerson(messages) + 1) as AgUiMessages);
        void writer.write({ content: turn.flatMap(partsOf) }).catch(() => {});
      },
      onRunFinishedEvent: (finished) => {
        if (finished.outcome !== "interrupt") return;
        const { interrupts } = finished;
        const status = { type: "requires-action", reason: "interrupt" } as const;
        void writer.write({ status, metadata: { custom: { agui: { interrupts } } } }).catch(() => {});
      },
    },
  );
  void ended.then(
    () => writer.close(),
    (error: unknown) => writer.abort(error),
  );
  const reader = readable.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

type Parts = NonNullable<ChatModelRunResult["content"]>;

function partsOf({ content }: ThreadMessageLike): Parts {
  return (typeof content === "string" ? [{ type: "text", text: content }] : content) as Parts;
}
