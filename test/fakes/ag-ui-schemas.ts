// Every event that a test reads is one of AG-UI's, in both versions that clients have: 1.0.0, and 0.0.59, which
// CopilotKit and assistant-ui install.
import { EventSchemas } from "@ag-ui/core/schemas";
import { EventSchemas as FormerSchemas } from "ag-ui-client-059";
import { createParser } from "eventsource-parser";
import type { ThreadEvent } from "../../src/protocol/event.ts";

/** What 0.0.59 has no form for. The server sends it to those alone who name a version of the protocol. */
function withoutNewOutcome(event: unknown): unknown {
  const { type, outcome } = event as { type?: string; outcome?: { type: string; pendingToolCallIds?: string[] } };
  if (type !== "RUN_FINISHED" || outcome === undefined) return event;
  const isNew = outcome.type === "cancelled" || outcome.pendingToolCallIds !== undefined;
  return isNew ? { ...(event as object), outcome: undefined } : event;
}

/** Throws where an event is not one of both versions. `former`: its reader named no version of the protocol. */
export function checkAgUi(event: unknown, { former = false } = {}): void {
  for (const [version, parse] of [
    ["1.0.0", () => EventSchemas.parse(event)],
    ["0.0.59", () => FormerSchemas.parse(former ? event : withoutNewOutcome(event))],
  ] as const) {
    try {
      parse();
    } catch (error) {
      throw new Error(`AG-UI ${version} refuses ${JSON.stringify(event).slice(0, 1000)}`, { cause: error });
    }
  }
}

/** Texts of events that were checked. Tests read the same frames again and again. */
const checked = new Set<string>();
const MAX_CHECKED = 20_000;
const MAX_CHECKED_CHARACTERS = 1_000;

/** The event of a frame, checked once. */
export function parseAgUi(data: string, reader: { former?: boolean } = {}): ThreadEvent {
  const event = JSON.parse(data) as ThreadEvent;
  const name = `${reader.former === true}${data}`;
  if (checked.has(name)) return event;
  checkAgUi(event, reader);
  if (checked.size >= MAX_CHECKED) checked.clear();
  if (data.length <= MAX_CHECKED_CHARACTERS) checked.add(name);
  return event;
}

/** A `fetch` for AG-UI's clients that breaks a stream at the first event that one of the versions refuses. */
export async function checkedFetch(url: string | URL | Request, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  if (!response.ok || response.body === null) return response;
  const former = !("protocolVersion" in (JSON.parse(String(init?.body)) as object));
  const parser = createParser({ onEvent: ({ data }) => void parseAgUi(data, { former }) });
  const decoder = new TextDecoder();
  const checked = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(bytes, controller) {
        parser.feed(decoder.decode(bytes, { stream: true }));
        controller.enqueue(bytes);
      },
    }),
  );
  return new Response(checked, response);
}
