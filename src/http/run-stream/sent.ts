// Tracks what the client of a run's stream has been sent, as far as a reconnect needs it: whether the run has started,
// what is open, whether the run has ended. Nearly all frames are deltas, which change none of that. So a frame is
// recognized by its type, the first field of every event, and parsed only if that type opens or closes something.

/** For each start event the type of its end event, and the field that names what they open and close. */
const endEvents: Record<string, { type: string; name: string }> = {
  TEXT_MESSAGE_START: { type: "TEXT_MESSAGE_END", name: "messageId" },
  REASONING_START: { type: "REASONING_END", name: "messageId" },
  REASONING_MESSAGE_START: { type: "REASONING_MESSAGE_END", name: "messageId" },
  TOOL_CALL_START: { type: "TOOL_CALL_END", name: "toolCallId" },
  STEP_STARTED: { type: "STEP_FINISHED", name: "stepName" },
};
const fieldOfEndType = new Map(Object.values(endEvents).map(({ type, name }) => [type, name]));

const prefix = 'data: {"type":"';
const ID_LINE = "i".charCodeAt(0);
const DATA_LINE = "d".charCodeAt(0);
const RETRY_LINE = "r".charCodeAt(0);
const LINE_FEED = 0x0a;
const QUOTE = 0x22;
const MAX_TYPE_CHARACTERS = "REASONING_MESSAGE_CONTENT".length;

const encoder = new TextEncoder();

const deltas = ["TEXT_MESSAGE_CONTENT", "REASONING_MESSAGE_CONTENT", "TOOL_CALL_ARGS"].map((type) =>
  encoder.encode(`${prefix}${type}"`),
);
const decoder = new TextDecoder();

/** A result of a client's own tool, as the client's request contained it. */
export interface ClientResult {
  message_id: string;
  tool_call_id: string;
}

export class SentEvents {
  /** The frames that would close what is open, oldest first. */
  readonly #open = new Map<string, string>();
  #hasRetryLine = false;
  #started = false;
  #ended = false;
  #isTracked = true;
  /** The beginnings of the events of the client's own results. The client has these, and would list them twice. */
  readonly #clientResults: Uint8Array[];

  constructor(clientResults: ClientResult[] = []) {
    this.#clientResults = clientResults.map(({ message_id: messageId, tool_call_id: toolCallId }) => {
      const event = JSON.stringify({ type: "TOOL_CALL_RESULT", messageId, toolCallId });
      return encoder.encode(`data: ${event.slice(0, -1)},`);
    });
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** False once a frame that opens or closes something was too large to parse: then what is open is not known. */
  get isTracked(): boolean {
    return this.#isTracked;
  }

  /** Whether the frame at `start` is a delta that `track` would send on. */
  isDelta(bytes: Uint8Array, start: number): boolean {
    if (this.#ended) return false;
    const data = bytes[start] === ID_LINE ? bytes.indexOf(LINE_FEED, start) + 1 : start;
    for (const beginning of deltas) if (beginsWith(bytes, data, beginning)) return true;
    return false;
  }

  /** Tracks a frame. Returns false if the client must not be sent it, because of what it has been sent already. */
  track(frame: Uint8Array, whole: boolean): boolean {
    if (this.#ended) return false;
    const first = frame[0];
    const data = first === ID_LINE ? frame.indexOf(LINE_FEED) + 1 : 0;
    if (frame[data] !== DATA_LINE) return first !== RETRY_LINE || this.#passRetryLine();
    const type = typeOf(frame, data);
    if (type === "RUN_STARTED") return this.#start();
    if (type === "TOOL_CALL_RESULT")
      return !this.#clientResults.some((beginning) => beginsWith(frame, data, beginning));
    if (type === "RUN_FINISHED" || type === "RUN_ERROR") this.#ended = true;
    const end = endEvents[type];
    if (end === undefined && !fieldOfEndType.has(type)) return true;
    if (whole) this.#trackOpen(frame, data, type, end);
    else this.#isTracked = false;
    return true;
  }

  /** Returns the frames that close everything open, the newest first. */
  endAll(): string {
    const frames = [...this.#open.values()].reverse().join("");
    this.#open.clear();
    return frames;
  }

  #passRetryLine(): boolean {
    const isFirst = !this.#hasRetryLine;
    this.#hasRetryLine = true;
    return isFirst;
  }

  #start(): boolean {
    const isFirst = !this.#started;
    this.#started = true;
    return isFirst;
  }

  #trackOpen(frame: Uint8Array, data: number, type: string, end: (typeof endEvents)[string] | undefined): void {
    const event = JSON.parse(decoder.decode(frame.subarray(data + "data: ".length))) as Record<string, string>;
    const ending = end?.type ?? type;
    const name = end?.name ?? fieldOfEndType.get(type) ?? "";
    const key = `${ending} ${event[name]}`;
    if (end === undefined) this.#open.delete(key);
    else this.#open.set(key, `data: ${JSON.stringify({ type: ending, [name]: event[name] })}\n\n`);
  }
}

function beginsWith(frame: Uint8Array, data: number, beginning: Uint8Array): boolean {
  // From the end: all begin alike.
  for (let at = beginning.length - 1; at >= 0; at--) if (frame[data + at] !== beginning[at]) return false;
  return true;
}

function typeOf(frame: Uint8Array, data: number): string {
  let type = "";
  for (let at = data + prefix.length; type.length < MAX_TYPE_CHARACTERS && frame[at] !== QUOTE; at++) {
    type += String.fromCharCode(frame[at] ?? 0);
  }
  return type;
}
