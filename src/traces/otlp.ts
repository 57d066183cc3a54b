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
  const attributes = encodeAttributes(1, resource);
  const named = message(1, [text(1, scope.name)]);
  const ofScope = message(2, [named, ...spans.map((span) => field(2, span))]);
  return message(1, [message(1, attributes), ofScope]);
}

const kinds = { internal: 1, client: 3 };
const STATUS_ERROR = 2;
/** Sampled; and that the next flag says something. */
const FLAGS = 0x101;
const PARENT_IS_REMOTE = 0x200;

export function encodeSpan({ trace_id, span_id, parent_id, name, kind, start, end, attributes, ...rest }: Span): Bytes {
  return join([
    field(1, fromHex(trace_id)),
    field(2, fromHex(span_id)),
    ...(parent_id === null ? [] : [field(4, fromHex(parent_id))]),
    text(5, name),
    number(6, kinds[kind]),
    time(7, start),
    time(8, Math.max(start, end)),
    ...encodeAttributes(9, attributes),
    ...(rest.error === null ? [] : [message(15, [number(3, STATUS_ERROR)])]),
    fixed32(16, FLAGS | (rest.is_parent_remote ? PARENT_IS_REMOTE : 0)),
  ]);
}

function encodeAttributes(place: number, attributes: Attributes): Bytes[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [message(place, [text(1, key), message(2, [encodeValue(value)])])],
  );
}

function encodeValue(value: string | number | boolean | readonly string[]): Bytes {
  if (typeof value === "string") return text(1, value);
  if (typeof value === "boolean") return number(2, value ? 1 : 0);
  if (typeof value === "object") return message(5, [join(value.map((each) => message(1, [text(1, each)])))]);
  return Number.isSafeInteger(value) ? number(3, value) : double(4, value);
}

function message(place: number, parts: readonly Bytes[]): Bytes {
  return field(place, join(parts));
}

function text(place: number, value: string): Bytes {
  return field(place, encoder.encode(value.toWellFormed()) as Bytes);
}

function field(place: number, bytes: Bytes): Bytes {
  return join([tag(place, LENGTH), varint(bytes.byteLength), bytes]);
}

function number(place: number, value: number): Bytes {
  return join([tag(place, VARINT), varint(value)]);
}

function double(place: number, value: number): Bytes {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return join([tag(place, FIXED64), bytes]);
}

/** In nanoseconds, which are beyond what a number holds. */
function time(place: number, ms: number): Bytes {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(Math.round(ms)) * 1_000_000n, true);
  return join([tag(place, FIXED64), bytes]);
}

function fixed32(place: number, value: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return join([tag(place, FIXED32), bytes]);
}

function tag(place: number, type: number): Bytes {
  return varint(place * 8 + type);
}

/** Negative numbers take ten bytes, as protobuf has it. */
function varint(value: number): Bytes {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, BigInt(value));
  for (; left > 127n; left >>= 7n) bytes.push(Number(left & 127n) | 128);
  bytes.push(Number(left));
  return Uint8Array.from(bytes);
}

function join(parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

function fromHex(hex: string): Bytes {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
