import protobuf from "protobufjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readExport } from "../../test/fakes/otlp/read.ts";
import { type Env, readConfig } from "../config.ts";
import { Room } from "../lib/memory/room.ts";
import { createExporter, type ExporterPorts } from "./exporter.ts";
import type { Span } from "./span.ts";

const head = { resource: { "service.name": "s" }, scope: { name: "taskloom" } };
const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c.example", OTEL_EXPORTER_OTLP_HEADERS: "x-key=sk%2Dcanary-0123" };
const { traces: settings } = readConfig(env as unknown as Env);

function spanOf(name: string, size = 0): Span {
  return {
    ...{ trace_id: "0af7651916cd43dd8448eb211c80319c", span_id: "b7ad6b7169203331", parent_id: null },
    ...{ name, kind: "internal", start: 1_795_000_000_000, end: 1_795_000_000_001, error: null },
    attributes: { filler: "x".repeat(size) },
  };
}

interface World extends Partial<ExporterPorts> {
  answers?: (number | Response | "hang" | "cut")[];
}

function open({ answers = [], ...ports }: World = {}) {
  if (settings === null) throw new Error("traces are off");
  const posts: { url: string; init: RequestInit; names: string[] }[] = [];
  const waits: number[] = [];
  const exporter = createExporter(settings, head, {
    post: async (url, init) => {
      posts.push({ url, init, names: readExport(init.body as Uint8Array).map(({ name }) => name) });
      const answer = answers.shift() ?? 200;
      if (answer === "cut") throw new TypeError("fetch failed: sk-canary-0123");
      if (answer === "hang") throw new DOMException("late", "TimeoutError");
      return typeof answer === "number" ? new Response(null, { status: answer }) : answer;
    },
    now: () => 0,
    sleep: async (ms) => void waits.push(ms),
    ...ports,
  });
  return { exporter, posts, waits };
}

const Answer = protobuf
  .parse(`syntax = "proto3";
message Partial { int64 rejected_spans = 1; string error_message = 2; }
message ExportTraceServiceResponse { Partial partial_success = 1; }`)
  .root.lookupType("ExportTraceServiceResponse");

function refusalOf(rejectedSpans: number, errorMessage: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Answer.encode({ partialSuccess: { rejectedSpans, errorMessage } }).finish());
}

function endless(): ReadableStream {
  return new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1_000)) });
}
function broken(): ReadableStream {
  return new ReadableStream({ pull: (controller) => controller.error(new Error("cut")) });
}

let warnings: string[] = [];
beforeEach(() => {
  warnings = [];
  vi.spyOn(console, "warn").mockImplementation((line: string) => void warnings.push(line));
});
afterEach(() => vi.restoreAllMocks());

describe("spans on their way to a collector", () => {
  it("are posted together, with the operator's headers, and follow no redirect", async () => {
    const { exporter, posts } = open();
    exporter.add(spanOf("a"));
    exporter.add(spanOf("b"));
    await exporter.flush();
    expect(posts.map(({ url, names }) => [url, names])).toEqual([["http://c.example/v1/traces", ["a", "b"]]]);
    expect(posts[0]?.init).toMatchObject({
      method: "POST",
      redirect: "manual",
      headers: { "x-key": "sk-canary-0123", "content-type": "application/x-protobuf" },
    });
    await exporter.flush();
    expect(posts).toHaveLength(1);
  });

  it("are tried again after an answer that passes, as late as it asks", async () => {
    const late = new Response(null, { status: 429, headers: { "retry-after": "3" } });
    const { exporter, posts, waits } = open({ answers: [503, late] });
    exporter.add(spanOf("a"));
    await exporter.flush();
    expect(posts.map(({ names }) => names)).toEqual([["a"], ["a"], ["a"]]);
    expect(waits).toEqual([1_000, 3_000]);
    expect(exporter.dropped).toBe(0);
  });

  it.each([
    [[400] as const, 1, "status 400"],
    [[302] as const, 1, "status 302"],
    [["cut", "cut", "cut"] as const, 3, "no connection"],
    [["hang", "hang", 503] as const, 3, "status 503"],
  ])("are dropped and counted after %j", async (answers, tries, reason) => {
    const { exporter, posts } = open({ answers: [...answers] });
    exporter.add(spanOf("a"));
    exporter.add(spanOf("b"));
    await exporter.flush();
    expect(posts).toHaveLength(tries);
    expect(exporter.dropped).toBe(2);
    expect(warnings.map((line) => JSON.parse(line))).toEqual([
      { level: "warning", event: "spans_dropped", spans: 2, reason },
    ]);
    expect(warnings.join()).not.toMatch(/canary|example/);
    exporter.add(spanOf("c"));
    await exporter.flush();
    expect(posts.at(-1)?.names).toEqual(["c"]);
  });

  it("are given up at once if the collector asks for a wait that is too long", async () => {
    const busy = new Response(null, { status: 429, headers: { "retry-after": "3600" } });
    const { exporter, posts, waits } = open({ answers: [busy] });
    exporter.add(spanOf("a"));
    await exporter.flush();
    expect([posts.length, waits, exporter.dropped]).toEqual([1, [], 1]);
    const date = new Response(null, { status: 503, headers: { "retry-after": new Date(5_000).toUTCString() } });
    const dated = open({ answers: [date] });
    dated.exporter.add(spanOf("a"));
    await dated.exporter.flush();
    expect(dated.waits).toEqual([5_000]);
  });

  it("of the last batches go with the one that nobody took: a collector that hangs holds no object for minutes", async () => {
    const { exporter, posts } = open({ answers: Array.from({ length: 30 }, () => "hang" as const) });
    for (let count = 0; count < 1_000; count++) exporter.add(spanOf("a"));
    await exporter.flush();
    expect([posts.length, exporter.dropped]).toEqual([3, 1_000]);
    expect(warnings.map((line) => JSON.parse(line))).toMatchObject([{ spans: 1_000, reason: "no answer in time" }]);
  });

  it.each([6, 300])(
    "that the collector did not take, though it took the rest, are counted (%i characters)",
    async (size) => {
      const { exporter, posts } = open({ answers: [new Response(refusalOf(3, "canary".padEnd(size, "y")))] });
      for (let count = 0; count < 5; count++) exporter.add(spanOf("a"));
      await exporter.flush();
      expect([posts.length, exporter.dropped]).toEqual([1, 3]);
      expect(warnings.map((line) => JSON.parse(line))).toMatchObject([
        { spans: 3, reason: "the collector refused them" },
      ]);
      expect(warnings.join()).not.toContain("canary");
    },
  );

  it.each([
    ["nothing", () => new Response(null)],
    ["no refusal", () => new Response(new Uint8Array([0x0a, 0]))],
    ["more than there were", () => new Response(new Uint8Array([0x0a, 3, 0x08, 0xff, 0x7f]))],
    ["another form", () => new Response('{"partialSuccess":{}}')],
    ["a body without end", () => new Response(endless())],
    ["a body that breaks", () => new Response(broken())],
  ])("are posted once, whatever comes with 200: %s", async (what, answer) => {
    const { exporter, posts } = open({ answers: [answer()] });
    exporter.add(spanOf("a"));
    await exporter.flush();
    expect([posts.length, exporter.dropped]).toEqual([1, what === "more than there were" ? 1 : 0]);
  });

  it("make room for the run's own span, which says how many are missing", async () => {
    const { exporter, posts } = open();
    for (let count = 0; count < 1_200; count++) exporter.add(spanOf("a"));
    exporter.add(spanOf("run"), true);
    expect(exporter.dropped).toBe(201);
    await exporter.flush();
    expect(posts.at(-1)?.names.at(-1)).toBe("run");
  });

  it("of all objects of an isolate have one bound", () => {
    const room = new Room("spans", 4 * 1024 * 1024);
    const all = Array.from({ length: 20 }, () => open({ room }).exporter);
    for (const exporter of all) for (let count = 0; count < 15; count++) exporter.add(spanOf("a", 60_000));
    const kept = all.reduce((sum, { dropped }) => sum + 15 - dropped, 0);
    expect(kept * 60_000).toBeLessThanOrEqual(4 * 1024 * 1024);
    expect(kept).toBeGreaterThan(60);
    expect(room.held).toBeGreaterThan(kept * 60_000);
  });

  it("take no more memory than their bound while nothing can be posted", async () => {
    const { exporter } = open();
    for (let count = 0; count < 5_000; count++) exporter.add(spanOf("a"));
    expect(exporter.dropped).toBe(4_000);
    const large = open().exporter;
    for (let count = 0; count < 50; count++) large.add(spanOf("a", 50_000));
    expect(large.dropped).toBe(50 - 20);
    expect(warnings).toHaveLength(2);
  });

  it("go out in batches, one post at a time", async () => {
    const held: (() => void)[] = [];
    let open_posts = 0;
    let most = 0;
    const { exporter } = open({
      post: async () => {
        most = Math.max(most, ++open_posts);
        await new Promise<void>((resolve) => held.push(resolve));
        open_posts--;
        return new Response(null, { status: 200 });
      },
    });
    for (let count = 0; count < 250; count++) exporter.add(spanOf("a"));
    expect(exporter.is_due).toBe(true);
    const flushed = exporter.flush();
    await exporter.flush();
    expect(exporter.is_due).toBe(false);
    for (let batch = 0; batch < 3; batch++) {
      await vi.waitFor(() => expect(held.length).toBe(batch + 1), 20_000);
      held[batch]?.();
    }
    await flushed;
    expect([held.length, most]).toEqual([3, 1]);
  });

  it("are due once they are many, large or old", () => {
    let now = 0;
    const { exporter } = open({ now: () => now });
    exporter.add(spanOf("a"));
    expect(exporter.is_due).toBe(false);
    now = 30_001;
    expect(exporter.is_due).toBe(true);
    const many = open().exporter;
    for (let count = 0; count < 100; count++) many.add(spanOf("a"));
    expect(many.is_due).toBe(true);
    const large = open().exporter;
    large.add(spanOf("a", 600_000));
    expect(large.is_due).toBe(true);
  });
});
