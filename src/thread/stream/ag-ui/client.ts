// How the events of a run are sent to an AG-UI client: with the ids that it sent, in the version that it knows. Clients
// before 1.0 refuse a whole stream for one event that they can't parse. All other readers get events as they are stored.
//
// Few events have such ids, and none of them is a delta. So a reader's frames are looked at only where the journal says
// that one of these is among them.
import { isRecord } from "../../../lib/is-record.ts";
import { toOneLine } from "../../../lib/json/one-line.ts";
import type { AgUiMessage, ClientEvent, RunOutcome, ThreadEvent } from "../../../protocol/event.ts";
import { isText } from "../../../store/shapes/stored.ts";
import type { Sql } from "../../rows/database.ts";
import { sentIdOf, sentIdsOf } from "../../rows/sent-ids.ts";

/** What a request says of its client. */
export interface AgUiClient {
  /** As it sent them. */
  thread_id: string;
  run_id: string;
  /** False if it named no version of the protocol. */
  is_versioned: boolean;
}

/** The events that have ids which clients choose, or something that not every version can parse. */
const adaptedTypes = ["RUN_STARTED", "RUN_FINISHED", "MESSAGES_SNAPSHOT", "TOOL_CALL_RESULT"] as const;
const adaptedLines = new RegExp(`^data: ({"type":"(?:${adaptedTypes.join("|")})"[^\\n]*)$`, "gm");

export function isAdapted({ type }: ThreadEvent): boolean {
  return adaptedTypes.some((each) => each === type);
}

/** Changes what is sent to one client. */
export class ClientEvents {
  readonly #sql: Sql;
  readonly #client: AgUiClient;
  readonly #run_id: string;
  /** Names the texts that are made for such clients. */
  readonly key: string;

  /** `run_id`: our id of the run that is streamed. */
  constructor(sql: Sql, client: AgUiClient, run_id: string) {
    this.#sql = sql;
    this.#client = client;
    this.#run_id = run_id;
    this.key = JSON.stringify(client);
  }

  event(event: ThreadEvent): ClientEvent {
    switch (event.type) {
      case "RUN_STARTED":
        return this.#start(event);
      case "RUN_FINISHED": {
        const { outcome, ...rest } = event;
        return { ...rest, ...this.#names(event.runId), ...(this.#knows(outcome) ? { outcome } : {}) };
      }
      case "MESSAGES_SNAPSHOT":
        return { ...event, messages: this.#messages(event.messages) };
      case "TOOL_CALL_RESULT":
        return { ...event, messageId: sentIdOf(this.#sql, event.messageId) };
      default:
        return event;
    }
  }

  /** Only people and clients' tools write under ids of a client. */
  message(message: AgUiMessage): AgUiMessage {
    return this.#messages([message])[0] ?? message;
  }

  #messages(messages: AgUiMessage[]): AgUiMessage[] {
    const isForeign = ({ role }: AgUiMessage) => role === "user" || role === "tool";
    const ids = messages.flatMap((message) => (isForeign(message) ? [message.id] : []));
    const sent = sentIdsOf(this.#sql, ids);
    return messages.map((message) =>
      isForeign(message) ? { ...message, id: sent.get(message.id) ?? message.id } : message,
    );
  }

  /** The same for frames. */
  frames(text: string): string {
    const adapt = (_line: string, json: string) => `data: ${toOneLine(this.event(JSON.parse(json)))}`;
    return text.replace(adaptedLines, adapt);
  }

  #start(event: Extract<ThreadEvent, { type: "RUN_STARTED" }>): ThreadEvent {
    const { input, metadata, parentRunId: parent, ...rest } = event;
    const names = this.#names(event.runId);
    const parentRunId = parent === undefined ? undefined : sentIdOf(this.#sql, parent);
    const ours = {
      ...(names.threadId === event.threadId ? {} : { thread_id: event.threadId }),
      ...(names.runId === event.runId ? {} : { invocation_id: event.runId }),
    };
    const messages = this.#messages(input?.messages ?? []);
    return {
      ...rest,
      ...names,
      // An answer under the id of the run that asked is one run to its client.
      ...(parentRunId === undefined || parentRunId === names.runId ? {} : { parentRunId }),
      ...(input === undefined ? {} : { input: { ...input, ...names, messages } }),
      ...(metadata === undefined && Object.keys(ours).length === 0 ? {} : { metadata: { ...metadata, ...ours } }),
    };
  }

  #names(run_id: string): { threadId: string; runId: string } {
    const runId = run_id === this.#run_id ? this.#client.run_id : sentIdOf(this.#sql, run_id);
    return { threadId: this.#client.thread_id, runId };
  }

  #knows(outcome: RunOutcome): boolean {
    if (this.#client.is_versioned) return true;
    return outcome.type === "interrupt" || (outcome.type === "success" && outcome.pendingToolCallIds === undefined);
  }
}

export function writeClient(parameters: URLSearchParams, client: AgUiClient): void {
  parameters.set("client", JSON.stringify(client));
}

/** Null for readers that are no AG-UI clients. */
export function readClient(parameters: URLSearchParams): AgUiClient | null {
  const text = parameters.get("client");
  const client: unknown = text === null ? null : JSON.parse(text);
  return isClient(client) ? client : null;
}

function isClient(value: unknown): value is AgUiClient {
  if (!isRecord(value) || typeof value.is_versioned !== "boolean") return false;
  return isText(value.thread_id) && isText(value.run_id);
}
