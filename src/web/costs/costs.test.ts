import { describe, expect, it } from "vitest";
import type { UsageSoFar } from "../../protocol/event.ts";
import type { Run } from "../../protocol/run.ts";
import { advance, emptyConversation } from "../client/conversation.ts";
import { hear, opening, type ThreadView } from "../state/thread-view.ts";
import { listParts } from "./costs.tsx";
import { costFormatsOf, formatCap } from "./formats.ts";
import { describeReason } from "./reason.ts";
import { chooseSpent, findLive, readSpent } from "./use-spent.ts";
import { words } from "./words.ts";

const usage = { input_tokens: 12_340, cached_input_tokens: 8000, output_tokens: 560, cost_usd: 0.0123 };
const reserved = { input_tokens: 5000, output_tokens: 1000, cost_usd: 0.05 };
const en = costFormatsOf("en");
const zh = costFormatsOf("zh");

function hearUsage(view: ThreadView, invocation_id: string, spent: Omit<UsageSoFar, "invocation_id">): ThreadView {
  const event = { type: "CUSTOM", name: "usage", value: { invocation_id, ...spent } } as const;
  return hear(view, { at: 0, id: null, event });
}

const runOf = (fields: Partial<Run>) => ({ usage, finished_at: null, ...fields }) as Run;

describe("the line of costs", () => {
  it("has tokens in, cached and out, the cost, and what is reserved", () => {
    expect(listParts({ usage, reserved }, words.en, en)).toEqual([
      ...["12,340 input tokens", "8,000 cached", "560 output tokens", "$0.0123"],
      "up to $0.05 more for the current call",
    ]);
    expect(listParts({ usage, reserved }, words.zh, zh)).toEqual([
      ...["输入 12,340 token", "其中缓存 8,000", "输出 560 token", "$0.0123"],
      "当前调用最多还需 $0.05",
    ]);
  });

  it("leaves out what is not known, and is empty before the first call", () => {
    const unpriced = { ...usage, cached_input_tokens: 0, cost_usd: null };
    expect(listParts({ usage: unpriced }, words.en, en)).toEqual(["12,340 input tokens", "560 output tokens"]);
    const none = { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0, cost_usd: null };
    expect(listParts({ usage: none }, words.en, en)).toEqual([]);
    expect(listParts({ usage: none, reserved: { ...reserved, cost_usd: null } }, words.en, en)).toEqual([
      "up to 6,000 tokens more for the current call",
    ]);
  });
});

describe("what is shown of a run", () => {
  const later = { ...usage, input_tokens: 20_000 };

  it("is the newest event of its own stream", () => {
    const heard = hearUsage(hearUsage(opening, "a", { usage }), "a", { usage: later, reserved });
    expect(findLive(heard, "a")).toMatchObject({ usage: later, reserved });
    expect(findLive(heard, "b")).toBeNull();
    expect(findLive(hearUsage(heard, "b", { usage }), "b")).toMatchObject({ usage });
  });

  it("stays while a command writes more than the activity holds", () => {
    const value = { tool_call_id: "call", stream: "stdout", text: "line" } as const;
    let view = hearUsage(opening, "a", { usage });
    for (let line = 0; line < 1100; line += 1) {
      view = hear(view, { at: 0, id: null, event: { type: "CUSTOM", name: "tool_output", value } });
    }
    expect(findLive(view, "a")).toMatchObject({ usage });
  });

  it("has no cost where the event has none", () => {
    const { cost_usd: _, ...counted } = usage;
    expect(readSpent({ invocation_id: "a", usage: counted }).usage.cost_usd).toBeNull();
  });

  it("is live while it works, and its row's once it has ended", () => {
    const live = { usage: later, reserved };
    const known = runOf({ reserved });
    const ended = runOf({ finished_at: "2026-11-28T00:00:00.000Z", usage: { ...usage, input_tokens: 30_000 } });
    const none = { live: null, read: null, known: null };
    expect(chooseSpent({ ...none, hasEnded: false, live, known })).toBe(live);
    expect(chooseSpent({ ...none, hasEnded: false, known })).toBe(known);
    expect(chooseSpent({ hasEnded: true, live, known, read: ended })).toEqual({ usage: ended.usage });
    expect(chooseSpent({ ...none, hasEnded: true, known: ended })).toEqual({ usage: ended.usage });
    // Until the row has come, nothing is reserved any more.
    expect(chooseSpent({ ...none, hasEnded: true, live, known })).toEqual({ usage: later });
    expect(chooseSpent({ ...none, hasEnded: true })).toBeNull();
    const faulty = { invocation_id: "run", status: "interrupted" } as Run;
    for (const hasEnded of [true, false])
      expect(chooseSpent({ ...none, hasEnded, read: faulty, known: faulty })).toBeNull();
  });
});

describe("the reason of a run's end", () => {
  it("names whose cap it was, how much, and what to do", () => {
    const run = { code: "budget", cap: { scope: "agent", name: "max_cost_usd", limit: 5 } } as const;
    expect(describeReason(run, words.en, en)).toBe(
      "Stopped at the agent's limit of $5. The limit applies to each run. Send another message to continue.",
    );
    expect(describeReason(run, words.zh, zh)).toBe(
      "已停止：达到该智能体的上限（$5）。该上限按每次运行单独计算，再发一条消息即可继续。",
    );
    const project = { code: "budget", cap: { scope: "project", name: "max_minutes", limit: 1 } } as const;
    expect(describeReason(project, words.en, en)).toMatch(
      /^Stopped at the project's limit of 1 minute\. Raise the limit/,
    );
    const day = {
      code: "budget",
      cap: { scope: "user", name: "max_total_tokens", limit: 50_000, period: "2026-11-28" },
    } as const;
    expect(describeReason(day, words.en, en)).toContain("your account's limit of 50,000 tokens for 2026-11-28.");
    expect(describeReason(day, words.zh, zh)).toContain("达到你的账户 2026-11-28 当日的上限（50,000 token）");
  });

  it("does not send to tomorrow who only has to wait for other runs", () => {
    const cap = { scope: "user", name: "max_cost_usd", limit: 5, period: "2026-11-28" } as const;
    expect(describeReason({ code: "budget", cap, reason: "held" }, words.en, en)).toBe(
      "Stopped: other runs have reserved what is left of your account's limit of $5 for 2026-11-28. Send the message again when some of them have ended.",
    );
    expect(describeReason({ code: "budget", cap, reason: "held" }, words.zh, zh)).toBe(
      "已停止：你的账户 2026-11-28 当日的上限（$5）的剩余额度已被其他运行预留。等其中一些运行结束后，请重新发送消息。",
    );
    const ended = { type: "RUN_ERROR", message: "m", code: "budget", metadata: { reason: "held", cap } } as const;
    expect(advance(emptyConversation, ended).run).toMatchObject({ code: "budget", reason: "held" });
  });

  it("says to raise a limit that no call fits under: no other message, day or month helps", () => {
    const own = { scope: "agent", name: "max_total_tokens", limit: 500 } as const;
    expect(describeReason({ code: "budget", cap: own, reason: "too_low" }, words.en, en)).toBe(
      "Stopped: the agent's limit of 500 tokens is too low for the next model call. Raise the limit where it is set, then send another message to continue.",
    );
    const day = { scope: "user", name: "max_cost_usd", limit: 0, period: "2026-11-28" } as const;
    expect(describeReason({ code: "budget", cap: day, reason: "too_low" }, words.en, en)).toMatch(
      /\. An admin can raise it\.$/,
    );
    expect(describeReason({ code: "budget", cap: day, reason: "too_low" }, words.zh, zh)).toBe(
      "已停止：你的账户 2026-11-28 当日的上限（$0）太低，不够再调用一次模型。管理员可以提高上限。",
    );
    // What a later version says.
    expect(describeReason({ code: "budget", cap: day, reason: "else" }, words.en, en)).toContain("Stopped at");
  });

  it("says nothing of the deployment's amount, which is not in the event", () => {
    const cap = { scope: "deployment", name: "max_cost_usd", period: "2026-11" } as const;
    expect(describeReason({ code: "budget", cap }, words.en, en)).toBe(
      "Stopped at the server's limit for 2026-11. Only the server operator can raise it.",
    );
  });

  it("leaves other ends, and scopes that it does not know, in few words", () => {
    expect(describeReason({ code: "model_error" }, words.en, en)).toBeNull();
    expect(describeReason({}, words.en, en)).toBeNull();
    expect(describeReason({ code: "budget" }, words.en, en)).toMatch(/^Stopped at a spending limit/);
    const later = { scope: "planet", name: "max_minutes", limit: 1 } as never;
    expect(describeReason({ code: "budget", cap: later }, words.en, en)).toBe(words.en.budget);
    for (const code of ["budget_unavailable", "price_unknown"]) {
      for (const said of [words.en, words.zh])
        expect(describeReason({ code }, said, en)).toMatch(/^(Stopped: |已停止：)/);
    }
  });
});

it("a cap has its unit, and no cents where there are none", () => {
  expect(formatCap(en, words.en, "max_cost_usd", 5)).toBe("$5");
  expect(formatCap(en, words.en, "max_cost_usd", 0.25)).toBe("$0.25");
  expect(formatCap(en, words.en, "max_minutes", 1)).toBe("1 minute");
  expect(formatCap(zh, words.zh, "max_minutes", 30)).toBe("30 分钟");
});
