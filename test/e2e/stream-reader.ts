// A reader of an event stream like a strict client: it keeps every frame, checks the wire format on the way, can leave
// at any moment and reconnect with its last id. Also what a client makes of the events in the end.
import { AbstractAgent } from "@ag-ui/client";
import type { BaseEvent } from "@ag-ui/core";
import { from } from "rxjs";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import type { MessageRow } from "../../src/protocol/message.ts";
import { toAgUiMessages } from "../../src/thread/stream/events.ts";
import { checkAgUi } from "../fakes/ag-ui-schemas.ts";
import { checkBlock, checkRest } from "../fakes/blocks.ts";
import { FRESH } from "../setup/server-client.ts";
import type { StreamFrame, Taskloom } from "./harness.ts";

export interface StreamReader {
  response: Response;
  frames: StreamFrame[];
  /** Everything received, comments and `retry` too. */
  readonly text: string;
  /** The number of the newest frame that has one. */
  readonly lastId: number;
  /** Resolves once a frame matches, including earlier ones; rejects where the stream ends without it. */
  until(fits: (frame: StreamFrame) => boolean): Promise<StreamFrame>;
  /** Resolves when the received text matches. */
  untilText(fits: (text: string) => boolean): Promise<void>;
  /** Resolves with how the stream ended: closed by the server, or broken. */
  ended: Promise<"closed" | "broken">;
  leave(): void;
}

export type ReadServer = Pick<Taskloom, "url" | "key">;

export async function openReader(
  taskloom: ReadServer,
  path: string,
  options: { after?: number | null; headers?: Record<string, string>; method?: string; body?: unknown } = {},
): Promise<StreamReader> {
  const leaving = new AbortController();
  const { after = null, headers = {}, method = "GET", body } = options;
  const response = await fetch(taskloom.url + path, {
    method,
    signal: leaving.signal,
    headers: {
      ...FRESH,
      authorization: `Bearer ${taskloom.key}`,
      accept: "text/event-stream",
      ...(after === null ? {} : { "last-event-id": String(after) }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (response.status !== 200 || response.body === null) {
    throw new Error(`${path}: ${response.status} ${await response.text()}`);
  }
  return follow(response, response.body, leaving);
}

function follow(response: Response, body: ReadableStream<Uint8Array>, leaving: AbortController): StreamReader {
  const frames: StreamFrame[] = [];
  let text = "";
  let parsed = 0;
  let end: "closed" | "broken" | null = null;
  const watchers = new Set<() => void>();
  const notify = (): void => {
    for (const watcher of [...watchers]) watcher();
  };
  const read = async (): Promise<"closed" | "broken"> => {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    try {
      for await (const bytes of body) {
        text += decoder.decode(bytes, { stream: true });
        for (let cut = text.indexOf("\n\n", parsed); cut >= 0; cut = text.indexOf("\n\n", parsed)) {
          addFrame(frames, text.slice(parsed, cut));
          parsed = cut + 2;
        }
        notify();
      }
      checkRest(text.slice(parsed));
      return "closed";
    } catch (error) {
      if (error instanceof SyntaxError) throw error;
      return "broken";
    }
  };
  const ended = read().then((how) => {
    end = how;
    notify();
    return how;
  });
  const watch = <T>(find: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = find();
        if (found !== undefined) resolve(found);
        else if (end !== null) reject(new Error(`the stream was ${end} after ${JSON.stringify(frames.slice(-3))}`));
        else return;
        watchers.delete(look);
      };
      watchers.add(look);
      look();
    });
  return {
    response,
    frames,
    get text() {
      return text;
    },
    get lastId() {
      return frames.findLast(({ id }) => id !== null)?.id ?? 0;
    },
    until: (fits) => watch(() => frames.find(fits)),
    untilText: async (fits) => {
      await watch(() => (fits(text) ? true : undefined));
    },
    ended,
    leave: () => leaving.abort(),
  };
}

function addFrame(frames: StreamFrame[], frame: string): void {
  checkBlock(frame);
  const [, id, data = ""] = /(?:^|\n)(?:id: (\d+)\n)?data: ([^\n]*)$/.exec(frame) ?? [];
  frames.push({ id: id === undefined ? null : Number(id), event: JSON.parse(data) as ThreadEvent });
}

export function isResync(frames: StreamFrame[]): boolean {
  const first = frames[0]?.event;
  return first?.type === "MESSAGES_SNAPSHOT" || (first?.type === "RUN_STARTED" && first.metadata?.resync === true);
}

/** Throws where an event is not AG-UI's, contains a null outside of its sources, or a number does not grow. */
export function checkFrames(frames: StreamFrame[]): void {
  let last = 0;
  for (const { id, event } of frames) {
    checkAgUi(event);
    if (hasNull(event)) throw new Error(`null in ${JSON.stringify(event)}`);
    if (id !== null && id <= last) throw new Error(`the number ${id} came after ${last}`);
    last = id ?? last;
  }
}

function hasNull(value: unknown): boolean {
  if (value === null) return true;
  return typeof value === "object" && Object.entries(value).some(([name, each]) => name !== "sources" && hasNull(each));
}

class Retelling extends AbstractAgent {
  readonly #events: ThreadEvent[];

  constructor(events: ThreadEvent[]) {
    super({ threadId: "any" });
    this.#events = events;
  }

  override run() {
    return from(this.#events as unknown as BaseEvent[]);
  }
}

/** Messages and state of AG-UI's own client, its verifier included, after these events. */
export async function readAsClient(events: ThreadEvent[]): Promise<{ messages: unknown[]; state: unknown }> {
  const agent = new Retelling(events);
  // A failed run reaches the client as an error too; everything received before counts here.
  await agent.runAgent({}).catch((error: unknown) => {
    if (events.at(-1)?.type !== "RUN_ERROR") throw error;
  });
  return { messages: agent.messages.map(withoutEmpty), state: agent.state };
}

/** The knowledge of a client that had the frames `before` and then reconnected to `rest`. */
export function resume(before: StreamFrame[], rest: StreamFrame[]): ThreadEvent[] {
  const whole = isResync(rest) ? rest : [...before, ...rest];
  return whole.map(({ event }) => event);
}

/** The stored conversation, as the same kind of messages. */
export async function readConversation(taskloom: Pick<Taskloom, "json">, thread_id: string): Promise<unknown[]> {
  const messages: unknown[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const path: string = `/v1/threads/${thread_id}/messages?limit=200${cursor === "" ? "" : `&cursor=${cursor}`}`;
    const page: { data: MessageRow[]; next_cursor: string | null } = await taskloom.json("GET", path);
    messages.push(...page.data.flatMap(toAgUiMessages).map(withoutEmpty));
    cursor = page.next_cursor;
  }
  return messages;
}

/** A message that only called tools may have an empty content or none. */
function withoutEmpty(message: unknown): unknown {
  const copy = JSON.parse(JSON.stringify(message)) as Record<string, unknown>;
  return Object.fromEntries(Object.entries(copy).filter(([, value]) => value !== "" && value !== null));
}
