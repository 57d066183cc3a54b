// What a client of the AG-UI door has been told, as far as another life must know it: whether its run has started, what
// is open, whether it has ended. Deltas make up nearly all of a stream and change none of that, so only the frames that
// may are parsed; the others are told apart by their type, which stands first in every event.

/** What ends what an event opens, and the field that names both. */
const enders: Record<string, { type: string; name: string }> = {
  TEXT_MESSAGE_START: { type: "TEXT_MESSAGE_END", name: "messageId" },
  REASONING_START: { type: "REASONING_END", name: "messageId" },
  REASONING_MESSAGE_START: { type: "REASONING_MESSAGE_END", name: "messageId" },
  TOOL_CALL_START: { type: "TOOL_CALL_END", name: "toolCallId" },
  STEP_STARTED: { type: "STEP_FINISHED", name: "stepName" },
};
const nameOfEnder = new Map(Object.values(enders).map(({ type, name }) => [type, name]));

const prefix = 'data: {"type":"';
const ID_LINE = "i".charCodeAt(0);
const DATA_LINE = "d".charCodeAt(0);
const RETRY_LINE = "r".charCodeAt(0);
const LINE_FEED = 0x0a;
const QUOTE = 0x22;
const LONGEST_TYPE = "REASONING_MESSAGE_CONTENT".length;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A result of a client's own tool, as the request brought it. */
export interface BroughtResult {
  message_id: string;
  tool_call_id: string;
}

export class Told {
  /** The frames that would end what is open, oldest first. */
  readonly #open = new Map<string, string>();
  #greeted = false;
  #started = false;
  #ended = false;
  #isTracked = true;
  /** How the events begin that tell of results which the client brought: it lists them already, and would list them twice. */
  readonly #brought: Uint8Array[];

  constructor(brought: BroughtResult[] = []) {
    this.#brought = brought.map(({ message_id: messageId, tool_call_id: toolCallId }) => {
      const event = JSON.stringify({ type: "TOOL_CALL_RESULT", messageId, toolCallId });
      return encoder.encode(`data: ${event.slice(0, -1)},`);
    });
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Whether what is open is known: nothing was opened by a frame that was too large to be read. */
  get isTracked(): boolean {
    return this.#isTracked;
  }

  /** Notes a frame; false where a client that was told all this must not be sent it. */
  note(frame: Uint8Array, whole: boolean): boolean {
    if (this.#ended) return false;
    const first = frame[0];
    const data = first === ID_LINE ? frame.indexOf(LINE_FEED) + 1 : 0;
    if (frame[data] !== DATA_LINE) return first !== RETRY_LINE || this.#greet();
    const type = typeOf(frame, data);
    if (type === "RUN_STARTED") return this.#start();
    if (type === "TOOL_CALL_RESULT") return !this.#brought.some((beginning) => beginsWith(frame, data, beginning));
    if (type === "RUN_FINISHED" || type === "RUN_ERROR") this.#ended = true;
    const ender = enders[type];
    if (ender === undefined && !nameOfEnder.has(type)) return true;
    if (whole) this.#noteOpen(frame, data, type, ender);
    else this.#isTracked = false;
    return true;
  }

  /** Ends everything that is open, the newest first. */
  endAll(): string {
    const frames = [...this.#open.values()].reverse().join("");
    this.#open.clear();
    return frames;
  }

  #greet(): boolean {
    const isFirst = !this.#greeted;
    this.#greeted = true;
    return isFirst;
  }

  #start(): boolean {
    const isFirst = !this.#started;
    this.#started = true;
    return isFirst;
  }

  #noteOpen(frame: Uint8Array, data: number, type: string, ender: (typeof enders)[string] | undefined): void {
    const event = JSON.parse(decoder.decode(frame.subarray(data + "data: ".length))) as Record<string, string>;
    const ending = ender?.type ?? type;
    const name = ender?.name ?? nameOfEnder.get(type) ?? "";
    const key = `${ending} ${event[name]}`;
    if (ender === undefined) this.#open.delete(key);
    else this.#open.set(key, `data: ${JSON.stringify({ type: ending, [name]: event[name] })}\n\n`);
  }
}

function beginsWith(frame: Uint8Array, data: number, beginning: Uint8Array): boolean {
  return beginning.every((byte, index) => frame[data + index] === byte);
}

function typeOf(frame: Uint8Array, data: number): string {
  let type = "";
  for (let at = data + prefix.length; type.length < LONGEST_TYPE && frame[at] !== QUOTE; at++) {
    type += String.fromCharCode(frame[at] ?? 0);
  }
  return type;
}
