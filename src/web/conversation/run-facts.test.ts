import { describe, expect, it } from "vitest";
import type { Run } from "../../protocol/run.ts";
import { opening, type ThreadView } from "../state/thread-view.ts";
import { formatClock, formatShort, shorten, startOf, tokensOf } from "./run-facts.ts";

const usage = { input_tokens: 100, cached_input_tokens: 0, output_tokens: 20, cost_usd: null };
const row = (id: string, started_at: string | null) => ({ invocation_id: id, started_at, usage }) as Run;
const view = (change: Partial<ThreadView> = {}): ThreadView => ({
  ...opening,
  conversation: { ...opening.conversation, run: { ...opening.conversation.run, id: "r", state: "running" } },
  ...change,
});
const seenAt = (at: number, runId = "r") => ({
  at,
  id: null,
  event: { type: "RUN_STARTED" as const, threadId: "t", runId },
});

describe("when a run began", () => {
  it("is when this page saw it begin", () => {
    expect(startOf(view({ activity: [seenAt(5_000, "other"), seenAt(7_000)] }))).toBe(7_000);
  });

  it("is what the server has stored where the page came later", () => {
    const runs = [row("r", "1970-01-01T00:00:03.000Z")];
    expect(startOf(view({ activity: [seenAt(60_000)], runs }))).toBe(3_000);
  });

  it("is not after what the page saw, whatever the clocks say", () => {
    const runs = [row("r", "1970-01-01T01:00:00.000Z")];
    expect(startOf(view({ activity: [seenAt(60_000)], runs }))).toBe(60_000);
  });

  it("is not known without either", () => {
    expect(startOf(view())).toBeNull();
    expect(startOf(view({ runs: [row("r", null)] }))).toBeNull();
    expect(startOf(opening)).toBeNull();
  });
});

describe("what a run has used", () => {
  it("is what its stream said last, and before that what was read", () => {
    const spent = { invocation_id: "r", usage: { ...usage, input_tokens: 30_900, cost_usd: 0 } };
    expect(tokensOf(view({ spent, runs: [row("r", null)] }))).toBe(30_920);
    expect(tokensOf(view({ spent: { ...spent, invocation_id: "before" }, runs: [row("r", null)] }))).toBe(120);
  });

  it("is left out where no call has reported any", () => {
    expect(tokensOf(view())).toBeNull();
    expect(tokensOf(opening)).toBeNull();
    expect(tokensOf(view({ runs: [{ invocation_id: "r" } as Run] }))).toBeNull();
  });
});

it("a clock shows hours only where there are some", () => {
  expect([0, -5_000, 42_900, 725_000, 3_725_000].map(formatClock)).toEqual([
    "0:00",
    "0:00",
    "0:42",
    "12:05",
    "1:02:05",
  ]);
});

it("counts are short in both languages", () => {
  expect([850, 31_204, 1_240_000].map((count) => formatShort(count, "en"))).toEqual(["850", "31k", "1.2M"]);
  expect(formatShort(31_204, "zh-CN")).toBe("3.1万");
});

it("a task's name is one short line, cut between characters", () => {
  expect(shorten(" Build the server\nwith tests ")).toBe("Build the server");
  expect(shorten("x".repeat(100))).toBe(`${"x".repeat(59)}…`);
  expect(shorten("👩‍👩‍👧".repeat(100))).toBe(`${"👩‍👩‍👧".repeat(59)}…`);
});
