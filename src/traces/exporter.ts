// Holds encoded spans until they are posted. It belongs to one life of a thread's object. No run waits for it: what
// does not fit is dropped and counted, and what a crash takes is lost.
import type { TraceSettings } from "../config/traces.ts";
import { logWarning } from "../lib/log.ts";
import { Room, Share } from "../lib/memory/room.ts";
import { readRetryAfter } from "../lib/retry.ts";
import { type ExportHead, encodeExport, encodeSpan, readRejected } from "./otlp.ts";
import type { Span } from "./span.ts";

/** A run of fifty steps. */
const MAX_SPANS = 1_000;
const MAX_BYTES = 1024 * 1024;
/** Of all objects of an isolate, which share 128 MB: hundreds of runs, while a collector is slow. */
const MAX_SHARED_BYTES = 4 * 1024 * 1024;
/** Collectors refuse bodies over 4 MiB by default, and large ones take long. */
const BATCH_SPANS = 100;
const BATCH_BYTES = 512 * 1024;
/** Of a run that works for hours, most is there before it ends. */
const MAX_AGE_MS = 30_000;
const POST_MS = 10_000;
/** Waits between the tries of one batch. A collector that restarts is back by then, or the spans go. */
const WAITS_MS = [1_000, 4_000];
/** One that asks for more is not asked again. */
const MAX_WAIT_MS = 10_000;
/** OTLP's own list of answers after which the same request may succeed. */
const passing = new Set([429, 502, 503, 504]);
/** Of an answer: its first bytes say how many spans were refused. The rest is for people. */
const READ_BYTES = 64;

const spans = new Room("spans", MAX_SHARED_BYTES);

export interface ExporterPorts {
  post: (url: string, init: RequestInit) => Promise<Response>;
  now: () => number;
  sleep: (ms: number) => Promise<void>;
  /** The isolate's, unless a test has its own. */
  room?: Room;
}

export interface Exporter {
  /** Synchronous and cheap. `is_last`: a run's own span, for which older ones make room. */
  add(span: Span, is_last?: boolean): void;
  /** Whether so much has gathered that it should be posted now. */
  readonly is_due: boolean;
  /** How many were dropped so far. */
  readonly dropped: number;
  /** Posts what has gathered, one batch after another. Never rejects; does nothing while an earlier call is at work. */
  flush(): Promise<void>;
}

type Encoded = Uint8Array<ArrayBuffer>;

export function createExporter(settings: TraceSettings, head: ExportHead, ports: ExporterPorts): Exporter {
  const room = ports.room ?? spans;
  const share = new Share(room);
  let queue: Encoded[] = [];
  let bytes = 0;
  let oldest: number | null = null;
  let dropped = 0;
  let isFull = false;
  let isPosting = false;

  const drop = (count: number, reason: string): void => {
    dropped += count;
    logWarning("spans_dropped", { spans: count, reason });
  };
  const fits = (size: number): boolean => queue.length < MAX_SPANS && bytes + size <= MAX_BYTES && room.fits(size);

  /** One line for a life. The run's own span says how many. */
  function noteFull(): void {
    dropped++;
    if (!isFull) logWarning("spans_dropped", { spans: 1, reason: "the queue is full" });
    isFull = true;
  }

  /** What it takes is held until it is given back, since it is in memory while it is posted. */
  function takeBatch(spans: number, max_bytes: number): Encoded[] {
    let size = 0;
    let count = 0;
    while (count < Math.min(queue.length, spans) && (count === 0 || size < max_bytes)) {
      size += queue[count++]?.byteLength ?? 0;
    }
    const batch = queue.slice(0, count);
    queue = queue.slice(count);
    bytes -= size;
    oldest = queue.length === 0 ? null : ports.now();
    return batch;
  }

  const giveBack = (batch: Encoded[]): void =>
    share.set(batch.reduce((left, { byteLength }) => left - byteLength, share.bytes));

  /** Returns why the collector is away; null if it answered for this batch, whatever it said. */
  async function send(batch: Encoded[]): Promise<string | null> {
    const body = encodeExport(head, batch);
    for (const wait of [...WAITS_MS, null]) {
      const answer = await post(settings, body, ports);
      if (answer.is_taken) {
        const rejected = Math.min(answer.rejected, batch.length);
        if (rejected > 0) drop(rejected, "the collector refused them");
        return null;
      }
      if (!answer.is_passing) {
        drop(batch.length, answer.reason);
        return null;
      }
      const asked = answer.wait_ms ?? wait ?? 0;
      if (wait === null || asked > MAX_WAIT_MS) return answer.reason;
      await ports.sleep(asked);
    }
    return null;
  }

  return {
    add(span, is_last = false) {
      const encoded = encodeSpan(span);
      const size = encoded.byteLength;
      while (is_last && queue.length > 0 && !fits(size)) {
        giveBack(takeBatch(1, 1));
        noteFull();
      }
      if (!is_last && !fits(size)) return noteFull();
      queue.push(encoded);
      bytes += size;
      share.set(share.bytes + size);
      oldest ??= ports.now();
    },
    get is_due() {
      if (isPosting) return false;
      return queue.length >= BATCH_SPANS || bytes >= BATCH_BYTES || ports.now() - (oldest ?? ports.now()) > MAX_AGE_MS;
    },
    get dropped() {
      return dropped;
    },
    async flush() {
      if (isPosting) return;
      isPosting = true;
      try {
        while (queue.length > 0) {
          const batch = takeBatch(BATCH_SPANS, BATCH_BYTES);
          const reason = await send(batch);
          giveBack(batch);
          if (reason === null) continue;
          // Each batch would keep the object awake for half a minute more.
          const rest = takeBatch(MAX_SPANS, MAX_BYTES + 1);
          giveBack(rest);
          drop(batch.length + rest.length, reason);
        }
      } finally {
        isPosting = false;
      }
    },
  };
}

interface Answer {
  is_taken: boolean;
  is_passing: boolean;
  /** Spans of the batch that the collector did not take, although it answered 200. */
  rejected: number;
  /** For the log: no word of the collector's, and no address. */
  reason: string;
  wait_ms: number | null;
}

async function post({ url, headers }: TraceSettings, body: Encoded, ports: ExporterPorts): Promise<Answer> {
  try {
    const response = await ports.post(url, {
      method: "POST",
      headers: { ...headers, "content-type": "application/x-protobuf" },
      body,
      // It carries the key.
      redirect: "manual",
      signal: AbortSignal.timeout(POST_MS),
    });
    const { ok, status } = response;
    const first = await readFirst(response);
    return {
      ...{ is_taken: ok, is_passing: passing.has(status), rejected: ok ? readRejected(first) : 0 },
      ...{ reason: `status ${status}`, wait_ms: readRetryAfter(response.headers, ports.now()) },
    };
  } catch (error) {
    const reason = error instanceof Error && error.name === "TimeoutError" ? "no answer in time" : "no connection";
    return { is_taken: false, is_passing: true, rejected: 0, reason, wait_ms: null };
  }
}

/** The first piece, without what is too much of it. Never rejects: the status has said what becomes of the batch. */
async function readFirst({ body }: Response): Promise<Uint8Array> {
  const reader = body?.getReader();
  try {
    const read = await reader?.read();
    await reader?.cancel();
    return (read?.value as Uint8Array | undefined)?.subarray(0, READ_BYTES) ?? new Uint8Array();
  } catch {
    return new Uint8Array();
  }
}
