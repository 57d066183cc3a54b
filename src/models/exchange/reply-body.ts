// The body of a reply: server-sent events or, from servers that ignore `stream: true`, one JSON value.
import { asRecord } from "../../lib/is-record.ts";
import { type Leave, MODELS_BYTES, Room, SMALL_BYTES } from "../../lib/memory/room.ts";
import { createFolder } from "../../lib/memory/text-bytes.ts";
import { type ByteReader, openByteReader } from "./byte-reader.ts";
import { createChunkReader } from "./chunk-reader.ts";
import { MAX_REPLY_CHARACTERS, ReplyTooLong } from "./reply.ts";
import type { RequestGuard } from "./request-guard.ts";
import { createSseParser } from "./sse.ts";
import type { ReplyBuilder, Wire } from "./wire.ts";

/** Each token is wrapped in 200 to 300 bytes of JSON, so a reply of 2 MiB is about 128 MiB on the wire. */
const MAX_WIRE_BYTES = 128 * 1024 * 1024;

/** A whole completion in one event or one JSON body: escapes may double its length, and other fields surround it. */
const MAX_EVENT_CHARACTERS = 5 * 1024 * 1024;

/**
 * A reply is kept three times until it is stored: as it is put together, as the message that it becomes, and as what
 * readers are sent again. Each character takes two bytes where one of them is not Latin, and much of it is the same text.
 */
const BYTES_PER_CHARACTER = 4;

const LONG_BYTES = 1024 * 1024;
/**
 * The room that a reply needs once it has so many bytes. Most end before the first step, and nearly all before the
 * second, behind which one at a time is read on: that one waits for no other, so all end.
 */
const steps = [
  { from: SMALL_BYTES, room: new Room("replies", MODELS_BYTES), bytes: LONG_BYTES },
  { from: LONG_BYTES, room: new Room("long replies", MODELS_BYTES), bytes: MAX_REPLY_CHARACTERS * BYTES_PER_CHARACTER },
];

/** `foreign`: it was no reply. */
export type Ending = "complete" | "cut" | "foreign";

/** Feeds the builder until the body ends, is done or is stopped. Throws errors of the network, of JSON and of a limit. */
export async function readReply(
  response: Response,
  wire: Wire,
  builder: ReplyBuilder,
  guard: RequestGuard,
): Promise<Ending> {
  if (!response.body) return "foreign";
  const reader = openByteReader(response.body);
  guard.onStop(() => void reader.cancel());
  const isEvents = response.headers.get("content-type")?.includes("event-stream") ?? false;
  const sink = createSink(wire, builder, isEvents);
  const taken: Leave[] = [];
  const touch = (): boolean => {
    guard.touch(builder.progress);
    return guard.reason === null;
  };
  let bytes = 0;
  try {
    for (let piece = await reader.read(); piece !== null; piece = await reader.read()) {
      bytes += piece.byteLength;
      if (bytes > MAX_WIRE_BYTES) throw new ReplyTooLong();
      sink.push(piece);
      if (sink.done) {
        leave(reader);
        return "complete";
      }
      touch();
      const step = steps[taken.length];
      if (step === undefined || (builder.characters + sink.held) * BYTES_PER_CHARACTER < step.from) continue;
      // What is not read stays with the server, which waits.
      let release: Leave | null = null;
      while (release === null && touch()) release = await step.room.enter(step.bytes, { goOn: touch });
      if (release !== null) taken.push(release);
    }
  } catch (error) {
    void reader.cancel();
    throw error;
  } finally {
    for (const release of taken) release();
  }
  return guard.reason ? "cut" : sink.end();
}

interface Sink {
  push(bytes: Uint8Array): void;
  end(): Ending;
  readonly done: boolean;
  /** Characters of an event, or of a body that is one value, that has not come as a whole. */
  readonly held: number;
}

function createSink({ readFailure, ends_with_done }: Wire, builder: ReplyBuilder, isEvents: boolean): Sink {
  let done = false;
  let events = 0;
  let json: { text: string; decoder: TextDecoder } | null = null;
  let begun = false;

  function acceptData(data: string): void {
    if (done) return;
    // A chunk with a token begins with a brace; only other lines are examined further.
    if (data.charCodeAt(0) !== 0x7b) {
      const word = data.trim();
      // Whoever ends with an event and sends this without it has cut the reply.
      if (word === "[DONE]") done = ends_with_done || builder.finished;
      if (word === "[DONE]" || word === "") return;
    }
    events++;
    const chunk = asRecord(readChunk(data));
    if (!chunk) throw new SyntaxError("a chunk is not an object");
    const failure = readFailure(chunk);
    if (failure !== null) throw new ErrorObject(failure, events === 1);
    builder.accept(chunk);
    if (!ends_with_done && builder.finished) done = true;
  }

  const fold = createFolder();
  const readChunk = createChunkReader();
  const parser = createSseParser(acceptData, MAX_EVENT_CHARACTERS);

  return {
    push(bytes) {
      if (!begun) {
        const first = bytes.find((byte) => byte > 0x20);
        begun = first !== undefined;
        if (first === 0x7b) json = { text: "", decoder: new TextDecoder() };
      }
      if (!json) return parser.push(bytes);
      json.text += json.decoder.decode(bytes, { stream: true });
      fold(json.text);
      if (json.text.length > MAX_EVENT_CHARACTERS) throw new ReplyTooLong();
    },
    end() {
      try {
        if (json) acceptData(json.text + json.decoder.decode());
        else parser.end();
      } catch (error) {
        // The last event is incomplete: some servers and proxies that were cut off themselves end the body normally.
        if (error instanceof SyntaxError) return builder.finished ? "complete" : "cut";
        throw error;
      }
      if (done || builder.finished) return "complete";
      return json || (events === 0 && !isEvents) ? "foreign" : "cut";
    },
    get done() {
      return done;
    },
    get held() {
      return json === null ? parser.held : json.text.length;
    },
  };
}

/** A chunk or body that says that the request failed, in an answer that began normally. */
export class ErrorObject extends Error {
  readonly value: unknown;
  readonly is_first: boolean;

  constructor(value: unknown, is_first: boolean) {
    super("the server ended its reply with an error");
    this.value = value;
    this.is_first = is_first;
  }
}

/** Reads the rest of the body, so that the connection can serve the next call. No caller waits for this. */
function leave(reader: ByteReader): void {
  const timer = setTimeout(() => void reader.cancel(), 1000);
  reader
    .read()
    .then((more) => (more === null ? undefined : reader.cancel()))
    .catch(() => {})
    .finally(() => clearTimeout(timer));
}
