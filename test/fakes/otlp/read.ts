// Reads what is posted to a collector as strictly as one can: a field that OTLP does not have, an id of another length, a
// time that is none or a repeated attribute is an error. The decoder is protobufjs, over the official field numbers.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import protobuf from "protobufjs";

const schema = protobuf.parse(readFileSync(join(import.meta.dirname, "trace.proto"), "utf8"), { keepCase: true });
const Request = schema.root.lookupType("otlp.ExportTraceServiceRequest");

export interface ReceivedSpan {
  trace_id: string;
  span_id: string;
  parent_id: string | null;
  name: string;
  kind: number;
  /** Milliseconds. */
  start: number;
  end: number;
  attributes: Record<string, unknown>;
  is_error: boolean;
  flags: number;
  resource: Record<string, unknown>;
}

interface Value {
  [kind: string]: unknown;
}
interface Pair {
  key: string;
  value: Value;
}
interface Raw {
  resource_spans: {
    resource: { attributes: Pair[] };
    scope_spans: { scope: { name: string }; spans: RawSpan[] }[];
  }[];
}
interface RawSpan {
  trace_id: Uint8Array;
  span_id: Uint8Array;
  parent_span_id?: Uint8Array;
  name: string;
  kind: number;
  start_time_unix_nano: string;
  end_time_unix_nano: string;
  attributes?: Pair[];
  status?: { code: number };
  flags: number;
}

export function readExport(body: Uint8Array): ReceivedSpan[] {
  const decoded = Request.decode(body);
  // What the schema does not have is lost in decoding.
  if (!Buffer.from(Request.encode(decoded).finish()).equals(Buffer.from(body))) throw new Error("unknown fields");
  const raw = Request.toObject(decoded, { longs: String }) as Raw;
  return raw.resource_spans.flatMap(({ resource, scope_spans }) => {
    const ofAll = readPairs(resource.attributes);
    if (typeof ofAll["service.name"] !== "string") throw new Error("no service.name");
    return scope_spans.flatMap(({ scope, spans }) => {
      if (scope.name === "") throw new Error("a scope without a name");
      return spans.map((span) => readSpan(span, ofAll));
    });
  });
}

const YEAR_2020 = 1_577_836_800_000;
const HOUR = 3_600_000;

function readSpan(span: RawSpan, resource: Record<string, unknown>): ReceivedSpan {
  const [start, end] = [span.start_time_unix_nano, span.end_time_unix_nano].map((nano) =>
    Number(BigInt(nano) / 1_000_000n),
  );
  if (start === undefined || end === undefined || start < YEAR_2020 || end < start || end > Date.now() + HOUR) {
    throw new Error(`wrong times: ${start} to ${end}`);
  }
  if (span.name === "") throw new Error("a span without a name");
  if (span.kind < 1 || span.kind > 5) throw new Error(`wrong kind: ${span.kind}`);
  return {
    trace_id: readId(span.trace_id, 16),
    span_id: readId(span.span_id, 8),
    parent_id: span.parent_span_id === undefined ? null : readId(span.parent_span_id, 8),
    ...{ name: span.name, kind: span.kind, start, end, flags: span.flags, resource },
    attributes: readPairs(span.attributes ?? []),
    is_error: span.status?.code === 2,
  };
}

function readId(bytes: Uint8Array, length: number): string {
  if (bytes.length !== length || bytes.every((byte) => byte === 0))
    throw new Error(`a wrong id of ${bytes.length} bytes`);
  return Buffer.from(bytes).toString("hex");
}

function readPairs(pairs: Pair[]): Record<string, unknown> {
  const keys = new Set(pairs.map(({ key }) => key));
  if (keys.size < pairs.length || keys.has("")) throw new Error("a repeated or empty attribute");
  return Object.fromEntries(pairs.map(({ key, value }) => [key, readValue(value)]));
}

function readValue(value: Value): unknown {
  const [[kind, content] = []] = Object.entries(value);
  if (kind === undefined) throw new Error("an attribute without a value");
  if (kind === "int_value") return Number(content);
  if (kind === "array_value") return ((content as { values?: Value[] }).values ?? []).map(readValue);
  return content;
}
