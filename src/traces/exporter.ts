// Holds encoded spans until they are posted. It belongs to one life of a thread's object. No run waits for it: what does
// not fit is dropped and counted, and what a crash takes is lost.
import type { TraceSettings } from "../config/traces.ts";
import { logWarning } from "../lib/log.ts";
import { type ExportHead, encodeExport, encodeSpan } from "./otlp.ts";
import type { Span } from "./span.ts";

/** A run of fifty steps. */
const MAX_SPANS = 1_000;
/** An isolate holds many objects in 128 MB. */
const MAX_BYTES = 1024 * 1024;
/** Collectors refuse bodies over 4 MiB by default, and large ones take long. */
const BATCH_SPANS = 100;
const BATCH_BYTES = 512 * 1024;
/** Of a run that works for hours, most is there before it ends. */
const MAX_AGE_MS = 30_000;
const POST_MS = 10_000;
/** Waits between the tries of one batch. A collector that restarts is back by then, or the spans go. */
const WAITS_MS = [1_000, 4_000];
const MAX_WAIT_MS = 10_000;
/** OTLP's own list of answers after which the same request may succeed. */
const passing = new Set([429, 502, 503, 504]);

export interface ExporterPorts {
  post: (url: string, init: RequestInit) => Promise<Response>;
  now: () => number;
  sleep: (ms: number) => Promise<void>;
}

export interface Exporter {
  /** Synchronous and cheap. */
  add(span: Span): void;
  /** Whether so much has gathered that it should be posted now. */
  readonly is_due: boolean;
  /** How many were dropped so far. */
  readonly dropped: number;
  /** Posts what has gathered, one batch after another. Never rejects; does nothing while an earlier call is at work. */
  flush(): Promise<void>;
}

type Encoded = Uint8Array<ArrayBuffer>;

export function createExporter(settings: TraceSettings, head: ExportHead, ports: ExporterPorts): Exporter {
  let queue: Encoded[] = [];
  let bytes = 0;
  let oldest: number | null = null;
  let dropped = 0;
  let isPosting = false;

  const drop = (count: number, reason: string): void => {
    dropped += count;
    logWarning("spans_dropped", { spans: count, reason });
  };

  function takeBatch(): Encoded[] {
    let size = 0;
    let count = 0;
    while (count < Math.min(queue.length, BATCH_SPANS) && (count === 0 || size < BATCH_BYTES)) {
      size += queue[count++]?.byteLength ?? 0;
    }
    const batch = queue.slice(0, count);
    queue = queue.slice(count);
    bytes -= size;
    oldest = queue.length === 0 ? null : ports.now();
    return batch;
  }

  async function send(batch: Encoded[]): Promise<void> {
    const body = encodeExport(head, batch);
    for (const wait of [...WAITS_MS, null]) {
      const answer = await post(settings, body, ports);
      if (answer.is_taken) return;
      if (wait === null || !answer.is_passing) return drop(batch.length, answer.reason);
      await ports.sleep(Math.min(MAX_WAIT_MS, answer.wait_ms ?? wait));
    }
  }

  return {
    add(span) {
      const encoded = encodeSpan(span);
      if (queue.length >= MAX_SPANS || bytes + encoded.byteLength > MAX_BYTES) {
        // One line for a life. The run's own span says how many.
        if (dropped++ === 0) logWarning("spans_dropped", { spans: 1, reason: "the queue is full" });
        return;
      }
      queue.push(encoded);
      bytes += encoded.byteLength;
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
        while (queue.length > 0) await send(takeBatch());
      } finally {
        isPosting = false;
      }
    },
  };
}

interface Answer {
  is_taken: boolean;
  is_passing: boolean;
  /** For the log: no word of the collector's, and no address. */
  reason: string;
  wait_ms: number | null;
}

async function post({ url, headers }: TraceSettings, body: Encoded, ports: ExporterPorts): Promise<Answer> {
  const failed = (reason: string): Answer => ({ is_taken: false, is_passing: true, reason, wait_ms: null });
  try {
    const response = await ports.post(url, {
      method: "POST",
      headers: { ...headers, "content-type": "application/x-protobuf" },
      body,
      // It carries the key.
      redirect: "manual",
      signal: AbortSignal.timeout(POST_MS),
    });
    await response.body?.cancel();
    const { status } = response;
    const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
    return {
      is_taken: response.ok,
      is_passing: passing.has(status),
      reason: `status ${status}`,
      wait_ms: Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null,
    };
  } catch (error) {
    return failed(error instanceof Error && error.name === "TimeoutError" ? "no answer in time" : "no connection");
  }
}
