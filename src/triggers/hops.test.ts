import { describe, expect, it } from "vitest";
import { MAX_HOPS } from "../protocol/chain.ts";
import { hopsOf } from "../store/shapes/delivery.ts";
import { readHops } from "./hops.ts";
import { payloadOf, readPayload } from "./payload.ts";

const ofHeader = (header: string) => readHops(header, null);
const ofBody = (value: unknown) => readHops(null, payloadOf(value));
const ids = { thread_id: "thread-1", invocation_id: "inv_1" };
const event = (data: Record<string, unknown>) => ({ type: "run.completed", timestamp: "", data: { ...ids, ...data } });

describe("the hops header", () => {
  it.each([
    ["1", 1],
    ["0", 0],
    [" 2 ", 2],
    ["002", 2],
    ["3", 3],
    ["4711", 3],
    ["9".repeat(100), 3],
    // Sent twice and joined by a proxy: the larger count.
    ["1, 2", 2],
    ["2,1", 2],
    // From a relay whose template found nothing.
    ["", 0],
    [" ", 0],
  ])("with the value %s counts as %i", (header, hops) => {
    expect(ofHeader(header)).toMatchObject({ hops, isReadable: true, run: null });
  });

  it.each([
    "-1",
    "+1",
    "1e9",
    "1.5",
    "0x1",
    "one",
    "{{hops}}",
    "1, x",
    "١",
    "NaN",
    "9".repeat(101),
    ",".repeat(100_000),
  ])("with an unreadable value counts as the maximum: %s", (header) => {
    expect(ofHeader(header)).toMatchObject({ hops: MAX_HOPS, isReadable: false, run: null });
  });
});

describe("hops in a payload", () => {
  it("are read from one of our events, with its run", () => {
    expect(ofBody(event({ taskloom_hops: 2 }))).toMatchObject({ hops: 2, isReadable: true, run: ids });
  });

  it("are read however a relay has wrapped the event", () => {
    const inner = event({ taskloom_hops: 2 });
    for (const wrapped of [{ client_payload: inner }, [{ body: [inner] }], { a: { b: { c: inner.data } } }]) {
      expect(ofBody(wrapped)).toMatchObject({ hops: 2, isReadable: true, run: ids });
    }
    let deep: unknown = inner;
    for (let level = 0; level < 20_000; level++) deep = [deep];
    expect(readHops(null, { text: "", is_json: true, value: deep })).toMatchObject({ hops: 2, run: ids });
    const form = `payload=${encodeURIComponent(JSON.stringify(inner))}`;
    const read = readPayload(new TextEncoder().encode(form), "application/x-www-form-urlencoded");
    expect(readHops(null, read.ok ? read.value : null)).toMatchObject({ hops: 2, run: ids });
  });

  it("are read from an event that a relay has flattened, in JSON or in a form", () => {
    for (const name of ["data__taskloom_hops", "data[taskloom_hops]", "data.taskloom_hops", "0-taskloom_hops"]) {
      expect(ofBody({ [name]: "2" }).hops).toBe(2);
      const form = new TextEncoder().encode(String(new URLSearchParams({ a: "b", [name]: "2" })));
      const read = readPayload(form, "application/x-www-form-urlencoded; charset=utf-8");
      expect(readHops(null, read.ok ? read.value : null).hops).toBe(2);
      const text = readPayload(form, "text/plain");
      expect(readHops(null, text.ok ? text.value : null).hops).toBe(0);
    }
    for (const name of ["mytaskloom_hops", "taskloom_hops_note"]) expect(ofBody({ [name]: 2 }).hops).toBe(0);
  });

  it("are the largest of repeated fields, and of a field beside the event", () => {
    const readForm = (form: string) => {
      const read = readPayload(new TextEncoder().encode(form), "application/x-www-form-urlencoded");
      return readHops(null, read.ok ? read.value : null).hops;
    };
    expect(readForm("taskloom_hops=2&taskloom_hops=0")).toBe(2);
    expect(readForm(`payload=${encodeURIComponent('{"a":1}')}&taskloom_hops=2`)).toBe(2);
    expect(readForm(Array.from({ length: 9_000 }, () => "taskloom_hops=1").join("&"))).toBe(1);
    expect(readForm("__proto__=2&taskloomHops=2")).toBe(2);
    let deep: unknown = 1;
    for (let level = 0; level < 20_000; level++) deep = [deep];
    expect(readHops(null, { text: "", is_json: true, value: { taskloom_hops: deep } }).hops).toBe(MAX_HOPS);
  });

  it("name the run of an event that a relay has wrapped or flattened and whose count is lost or empty", () => {
    const inner = { type: "run.completed", data: ids };
    for (const value of [
      { body: inner },
      [{ a: [inner] }],
      ids,
      { ...inner, taskloom_hops: "" },
      { h: { "taskloom-hops": null }, inner },
    ]) {
      expect(ofBody(value)).toMatchObject({ hops: 0, isReadable: true, run: ids, step: 1 });
    }
    expect(ofBody({ body: { type: "task.updated", data: ids } })).toMatchObject({ run: ids, step: 2 });
  });

  it("add two for a task's event whose count is lost", () => {
    const task = { ...ids, task: { id: "task_1", status: "completed" } };
    expect(ofBody({ type: "task.updated", data: task })).toMatchObject({ hops: 0, run: ids, step: 2 });
    expect(ofBody({ ...ids, tasks: [task.task] })).toMatchObject({ hops: 0, run: ids, step: 2 });
    expect(ofBody({ type: "run.completed", data: ids })).toMatchObject({ hops: 0, run: ids, step: 1 });
  });

  it("add two for a budget's event whose count is lost", () => {
    const cap = { scope: "run", name: "max_cost_usd", limit: 1 };
    for (const type of ["budget.warning", "budget.reached"]) {
      expect(ofBody({ body: { type, data: ids } })).toMatchObject({ hops: 0, run: ids, step: 2 });
    }
    expect(ofBody({ ...ids, cap })).toMatchObject({ hops: 0, run: ids, step: 2 });
    expect(ofBody({ type: "monthly budget.", data: ids, cap })).toMatchObject({ step: 1 });
  });

  it("are read up to the maximum", () => {
    const many = Array.from({ length: 20_000 }, () => ({ taskloom_hops: 1 }));
    expect(ofBody(many).hops).toBe(1);
  });

  it("are read from a header that a relay shows in its own body", () => {
    const shown = { headers: { "Taskloom-Hops": "2" }, body: { text: "done" } };
    expect(ofBody(shown)).toMatchObject({ hops: 2, isReadable: true, run: null });
  });

  it("are the largest of several events, or the header's if that is larger", () => {
    const both = [event({ taskloom_hops: 2, invocation_id: "inv_2" }), event({ taskloom_hops: 1 })];
    expect(ofBody(both)).toMatchObject({ hops: 2, run: { invocation_id: "inv_2" } });
    for (const [header, hops] of [
      ["0", 1],
      ["1", 1],
      ["2", 2],
    ] as const) {
      expect(readHops(header, payloadOf(event({ taskloom_hops: 1 }))).hops).toBe(hops);
    }
  });

  it.each([-1, 1.5, "x", "-1", {}, [], true])("count as the maximum if they are unreadable: %j", (taskloom_hops) => {
    expect(ofBody(event({ taskloom_hops }))).toMatchObject({ hops: MAX_HOPS, isReadable: false });
  });

  it.each([
    [null, 0],
    ["", 0],
    ["2", 2],
    [1e300, 3],
    ["99999999999999999999", 3],
  ])("of %j count as %i", (taskloom_hops, hops) => {
    expect(ofBody(event({ taskloom_hops }))).toMatchObject({ hops, isReadable: true });
  });

  it("are zero for other senders, whatever their words or a stranger's text say", () => {
    const issue = { title: "taskloom_hops", body: '{"taskloom_hops": 9}', hops: 40, run: ids };
    for (const value of [issue, { data: { hops: 40, ...ids } }, '{"taskloom_hops":9}', null, 7, []]) {
      expect(ofBody(value)).toMatchObject({ hops: 0, isReadable: true });
    }
    expect(readHops(null, { text: "taskloom_hops: 9", is_json: false, value: undefined }).hops).toBe(0);
  });

  it("name the run of an event whose count a relay dropped, and ignore invalid ids", () => {
    expect(ofBody(event({}))).toMatchObject({ hops: 0, isReadable: true, run: ids });
    for (const data of [{ invocation_id: null }, { thread_id: "a/b" }, { invocation_id: "x".repeat(65) }]) {
      expect(ofBody(event(data)).run).toBe(null);
    }
  });

  it("stay within the limit for a payload of any shape", () => {
    const values: unknown[] = [0, 1, 2, 3, 4, -1, 1e9, "1", "x", null, true, [], {}];
    for (const value of values) {
      for (const other of values) {
        const { hops } = ofBody({ taskloom_hops: value, inner: [{ "TASKLOOM-HOPS": other }] });
        expect([0, 1, 2, 3]).toContain(hops);
        expect(hops).toBeGreaterThanOrEqual(ofBody({ taskloom_hops: value }).hops);
        expect(hops).toBeGreaterThanOrEqual(ofBody({ taskloom_hops: other }).hops);
      }
    }
  });
});

describe("a stored delivery", () => {
  it("carries its own count, and a ping, which has none, counts as the first hop", () => {
    expect(hopsOf(JSON.stringify(event({ taskloom_hops: 3 })))).toBe(3);
    expect(hopsOf(JSON.stringify(event({})))).toBe(1);
  });
});
