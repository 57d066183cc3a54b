// The AG-UI clients that people have, unmodified: 1.0.0, and 0.0.59, which CopilotKit and assistant-ui install. Each
// event that one of them gets is parsed by the schemas of both.
import { HttpAgent } from "@ag-ui/client";
import { HttpAgent as FormerAgent } from "ag-ui-client-059";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import { checkedFetch } from "../fakes/ag-ui-schemas.ts";

export const versions = ["1.0.0", "0.0.59"] as const;
export type Version = (typeof versions)[number];

interface Server {
  url: string;
  key: string;
}

interface Message {
  id: string;
  role: string;
  content?: unknown;
  toolCallId?: string;
  toolCalls?: { id: string; function: { name: string; arguments: string } }[];
}

interface Tool {
  name: string;
  description: string;
  parameters: Record<string, unknown>;
}

/** What the tests use of both. */
export interface Client {
  messages: Message[];
  state: unknown;
  pendingInterrupts: { id: string; reason: string; message?: string }[];
  /** All that it was sent, as it was sent. */
  events: ThreadEvent[];
  say(id: string, content: string): void;
  answer(id: string, toolCallId: string, content: string): void;
  run(
    runId: string,
    more?: {
      tools?: Tool[];
      resume?: { interruptId: string; status: "resolved" | "cancelled"; payload?: unknown }[];
      forwardedProps?: Record<string, unknown>;
    },
  ): Promise<ThreadEvent[]>;
}

/** Rejects as the client does: at a refusal, at an event that it can't parse, or at one that may not come here. */
export function makeClient(
  version: Version,
  { url, key }: Server,
  threadId: string,
  { path = "/ag-ui", onEvent = () => {} }: { path?: string; onEvent?: (event: ThreadEvent) => void } = {},
): Client {
  const config = {
    url: url + path,
    threadId,
    headers: { authorization: `Bearer ${key}` },
    fetch: checkedFetch,
  };
  // Their types differ only in what neither the tests nor the server know.
  const agent = (version === "1.0.0" ? new HttpAgent(config) : new FormerAgent(config)) as HttpAgent;
  const events: ThreadEvent[] = [];
  return {
    get messages() {
      return agent.messages as Message[];
    },
    get state() {
      return agent.state;
    },
    get pendingInterrupts() {
      return agent.pendingInterrupts;
    },
    events,
    say: (id, content) => agent.addMessage({ id, role: "user", content }),
    answer: (id, toolCallId, content) => agent.addMessage({ id, role: "tool", toolCallId, content }),
    async run(runId, more = {}) {
      const from = events.length;
      const take = ({ event }: { event: unknown }): void => {
        events.push(event as ThreadEvent);
        onEvent(event as ThreadEvent);
      };
      await agent.runAgent({ runId, ...more }, { onEvent: take });
      return events.slice(from);
    },
  };
}

export function startOf(events: ThreadEvent[]): Extract<ThreadEvent, { type: "RUN_STARTED" }> {
  const start = events[0];
  if (start?.type !== "RUN_STARTED") throw new Error(`no start: ${JSON.stringify(events.slice(0, 2))}`);
  return start;
}

export function endOf(events: ThreadEvent[]): Extract<ThreadEvent, { type: "RUN_FINISHED" }> {
  const end = events.at(-1);
  if (end?.type !== "RUN_FINISHED") throw new Error(`no end: ${JSON.stringify(events.slice(-2))}`);
  return end;
}
