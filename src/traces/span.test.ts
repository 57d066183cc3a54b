import { describe, expect, it } from "vitest";
import { readExport } from "../../test/fakes/otlp/read.ts";
import { encodeExport, encodeSpan } from "./otlp.ts";
import { deriveIds, isSampled, keepTraceParent, newSpanId, readTraceParent, type Span } from "./span.ts";

const trace_id = "0af7651916cd43dd8448eb211c80319c";
const span_id = "b7ad6b7169203331";

describe("a traceparent", () => {
  it.each([
    [`00-${trace_id}-${span_id}-01`, { trace_id, span_id, is_sampled: true }],
    [`00-${trace_id}-${span_id}-02`, { trace_id, span_id, is_sampled: false }],
    // A later version may say more.
    [`cc-${trace_id}-${span_id}-01-what-the-future-brings`, { trace_id, span_id, is_sampled: true }],
  ])("%s is read", (given, read) => {
    expect(readTraceParent(given)).toEqual(read);
  });

  it.each([
    "",
    "00",
    `ff-${trace_id}-${span_id}-01`,
    `00-${trace_id}-${span_id}-01-more`,
    `cc-${trace_id}-${span_id}-01.more`,
    `00-${"0".repeat(32)}-${span_id}-01`,
    `00-${trace_id}-${"0".repeat(16)}-01`,
    `00-${trace_id.toUpperCase()}-${span_id}-01`,
    `00-${trace_id.slice(1)}-${span_id}-01`,
    `00-${trace_id}-${span_id}`,
    `cc-${trace_id}-${span_id}-01-${"x".repeat(1_000)}`,
  ])("%s is none", (given) => {
    expect(readTraceParent(given)).toBeNull();
  });

  it("is kept only where traces are on and it can be read", () => {
    const traceparent = `00-${trace_id}-${span_id}-01`;
    expect(keepTraceParent({}, traceparent)).toEqual({ traceparent });
    expect(keepTraceParent(null, traceparent)).toEqual({});
    expect(keepTraceParent({}, "nonsense")).toEqual({});
    expect(keepTraceParent({}, undefined)).toEqual({});
  });
});

describe("the ids of runs", () => {
  const idsOf = (invocation_id: string) => deriveIds({ user_id: "u", thread_id: "t", invocation_id });

  it("are the same each time, and others for another run, thread and user", () => {
    expect(idsOf("inv_1")).toEqual(idsOf("inv_1"));
    const others = [
      idsOf("inv_1"),
      idsOf("inv_2"),
      deriveIds({ user_id: "u", thread_id: "t2", invocation_id: "inv_1" }),
      deriveIds({ user_id: "u2", thread_id: "t", invocation_id: "inv_1" }),
    ];
    expect(new Set(others.map((ids) => ids.trace_id)).size).toBe(4);
    expect(idsOf("inv_1").trace_id).toMatch(/^[0-9a-f]{32}$/);
    expect(idsOf("inv_1").root_id).toMatch(/^[0-9a-f]{16}$/);
    expect(newSpanId()).toMatch(/^[0-9a-f]{16}$/);
  });

  it("are spread, so that a share of the runs is that share", () => {
    const all = Array.from({ length: 20_000 }, (_, place) => idsOf(`inv_${place}`));
    expect(new Set(all.map((ids) => ids.trace_id)).size).toBe(all.length);
    expect(new Set(all.map((ids) => ids.root_id)).size).toBe(all.length);
    for (const share of [0, 0.01, 0.25, 0.5, 1]) {
      const sampled = all.filter((ids) => isSampled(ids.trace_id, share)).length / all.length;
      expect(Math.abs(sampled - share)).toBeLessThan(0.015);
    }
    // Each bit is set in half of them.
    for (let bit = 0; bit < 128; bit++) {
      const set = all.filter((ids) => (Number.parseInt(ids.trace_id[bit >> 2] ?? "", 16) >> (bit & 3)) & 1).length;
      expect(Math.abs(set / all.length - 0.5)).toBeLessThan(0.02);
    }
  });
});

describe("the form of a span", () => {
  const span: Span = {
    ...{ trace_id, span_id, parent_id: null, name: "chat 模型", kind: "client", error: null },
    ...{ start: 1_795_000_000_123, end: 1_795_000_000_456 },
    attributes: {
      text: "a\ud800b",
      whole: 4_294_967_296,
      negative: -1,
      zero: 0,
      part: 0.25,
      yes: true,
      no: false,
      list: ["a", "b"],
      none: [],
      absent: undefined,
    },
  };
  const decode = (given: Span) => {
    const body = encodeExport({ resource: { "service.name": "s" }, scope: { name: "taskloom" } }, [encodeSpan(given)]);
    return readExport(body)[0];
  };

  it("brings every kind of value to a collector", () => {
    expect(decode(span)).toMatchObject({
      ...{ trace_id, span_id, parent_id: null, name: "chat 模型", kind: 3, is_error: false, flags: 0x101 },
      ...{ start: span.start, end: span.end },
      attributes: {
        text: "a\ufffdb",
        whole: 4_294_967_296,
        negative: -1,
        zero: 0,
        part: 0.25,
        yes: true,
        no: false,
        list: ["a", "b"],
        none: [],
      },
    });
    expect(decode(span)?.attributes).not.toHaveProperty("absent");
  });

  it("says where the parent is, and that the span failed", () => {
    const failed = { ...span, parent_id: "00000000000000ff", is_parent_remote: true, error: "timeout" };
    expect(decode(failed)).toMatchObject({ parent_id: "00000000000000ff", flags: 0x301, is_error: true });
  });

  it("never ends before it began, whatever the clock does", () => {
    expect(decode({ ...span, end: span.start - 50 })).toMatchObject({ start: span.start, end: span.start });
  });
});
