// Spans as OTLP's protobuf: the one form that every collector takes (docs/decisions/0116-traces.md). Written by hand,
// since a dozen fields need no generated code. The numbers are those of opentelemetry/proto/trace/v1/trace.proto.
import type { Attributes, Span } from "./span.ts";

const encoder = new TextEncoder();

type Bytes = Uint8Array<ArrayBuffer>;

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

/** What every span of an export shares. */
export interface ExportHead {
  resource: Attributes;
  scope: { name: string };
}

/** `spans` are encoded already, so that their bytes could be counted. */
export function encodeExport({ resource, scope }: ExportHead, spans: readonly Bytes[]): Bytes {
  const writer = new Writer();
  writer.message(1, () => {
    writer.message(1, () => writeAttributes(writer, 1, resource));
    writer.message(2, () => {
      writer.message(1, () => writer.text(1, scope.name));
      for (const span of spans) writer.bytes(2, span);
    });
  });
  return writer.take();
}

const kinds = { internal: 1, client: 3 };
const STATUS_ERROR = 2;
/** Sampled; and that the next flag says something. */
const FLAGS = 0x101;
const PARENT_IS_REMOTE = 0x200;

export function encodeSpan({ trace_id, span_id, parent_id, name, kind, start, end, attributes, ...rest }: Span): Bytes {
  const writer = new Writer();
  writer.hex(1, trace_id);
  writer.hex(2, span_id);
  if (parent_id !== null) writer.hex(4, parent_id);
  writer.text(5, name);
  writer.number(6, kinds[kind]);
  writer.time(7, start);
  writer.time(8, Math.max(start, end));
  writeAttributes(writer, 9, attributes);
  if (rest.error !== null) writer.message(15, () => writer.number(3, STATUS_ERROR));
  writer.fixed32(16, FLAGS | (rest.is_parent_remote ? PARENT_IS_REMOTE : 0));
  return writer.take();
}

/** How many spans an answer says were refused: `partial_success { rejected_spans }`, which comes first if it is there. */
export function readRejected(answer: Uint8Array): number {
  let at = 1;
  // The length of the whole, whose words may be long.
  while ((answer[at] ?? 0) > 127) at++;
  if (answer[0] !== 1 * 8 + LENGTH || answer[at + 1] !== 1 * 8 + VARINT) return 0;
  let count = 0;
  for (let place = 0; place < 7; place++) {
    const byte = answer[at + 2 + place] ?? 0;
    count += (byte % 128) * 128 ** place;
    if (byte < 128) return count;
  }
  return 0;
}

function writeAttributes(writer: Writer, place: number, attributes: Attributes): void {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    writer.message(place, () => {
      writer.text(1, key);
      writer.message(2, () => writeValue(writer, value));
    });
  }
}

function writeValue(writer: Writer, value: string | number | boolean | readonly string[]): void {
  if (typeof value === "string") writer.text(1, value);
  else if (typeof value === "boolean") writer.number(2, value ? 1 : 0);
  else if (typeof value === "number" && Number.isSafeInteger(value)) writer.number(3, value);
  else if (typeof value === "number") writer.double(4, value);
  else {
    writer.message(5, () => {
      for (const each of value) writer.message(1, () => writer.text(1, each));
    });
  }
}

/** One buffer that grows. A message's length is known after its content, which then moves by the bytes of the length. */
class Writer {
  #bytes: Bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  take(): Bytes {
    return this.#bytes.slice(0, this.#at);
  }

  message(place: number, write: () => void): void {
    this.#varint(place * 8 + LENGTH);
    const from = this.#at;
    write();
    const length = this.#at - from;
    const bytes = sizeOf(length);
    this.#reserve(bytes);
    this.#bytes.copyWithin(from + bytes, from, this.#at);
    this.#at = from;
    this.#varint(length);
    this.#at += length;
  }

  text(place: number, value: string): void {
    this.message(place, () => {
      this.#reserve(value.length * 3);
      this.#at += encoder.encodeInto(value.toWellFormed(), this.#bytes.subarray(this.#at)).written;
    });
  }

  bytes(place: number, value: Bytes): void {
    this.#varint(place * 8 + LENGTH);
    this.#varint(value.byteLength);
    this.#reserve(value.byteLength);
    this.#bytes.set(value, this.#at);
    this.#at += value.byteLength;
  }

  hex(place: number, value: string): void {
    this.#varint(place * 8 + LENGTH);
    this.#varint(value.length / 2);
    this.#reserve(value.length / 2);
    for (let at = 0; at < value.length; at += 2) {
      this.#bytes[this.#at++] = Number.parseInt(value.slice(at, at + 2), 16);
    }
  }

  number(place: number, value: number): void {
    this.#varint(place * 8 + VARINT);
    this.#varint(value);
  }

  double(place: number, value: number): void {
    this.#varint(place * 8 + FIXED64);
    this.#reserve(8);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  /** In nanoseconds, which are beyond what a number holds. */
  time(place: number, ms: number): void {
    this.#varint(place * 8 + FIXED64);
    this.#reserve(8);
    this.#view.setBigUint64(this.#at, BigInt(Math.round(ms)) * 1_000_000n, true);
    this.#at += 8;
  }

  fixed32(place: number, value: number): void {
    this.#varint(place * 8 + FIXED32);
    this.#reserve(4);
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  /** Negative numbers take ten bytes, as protobuf has it. */
  #varint(value: number): void {
    this.#reserve(10);
    if (value < 0) {
      let left = BigInt.asUintN(64, BigInt(value));
      for (; left > 127n; left >>= 7n) this.#bytes[this.#at++] = Number(left & 127n) | 128;
      this.#bytes[this.#at++] = Number(left);
      return;
    }
    let left = value;
    for (; left > 127; left = Math.floor(left / 128)) this.#bytes[this.#at++] = (left % 128) | 128;
    this.#bytes[this.#at++] = left;
  }

  #reserve(size: number): void {
    if (this.#at + size <= this.#bytes.byteLength) return;
    const larger = new Uint8Array(Math.max(this.#bytes.byteLength * 2, this.#at + size));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

function sizeOf(length: number): number {
  let size = 1;
  for (let left = length; left > 127; left = Math.floor(left / 128)) size++;
  return size;
}
