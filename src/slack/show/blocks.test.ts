import { describe, expect, it } from "vitest";
import { place } from "../../../test/fakes/slack-channel.ts";
import type { TaskState } from "../../protocol/plan/task.ts";
import type { Run, RunSource } from "../../protocol/run.ts";
import { endBlocks, planText } from "./blocks.ts";

function source(n: number, more: Partial<RunSource> = {}): RunSource {
  const url = `https://tea.example/${n}?a=1&b=2`;
  return { n, url, title: `Tea ${n}`, date: null, fetched_at: null, hash: null, read: true, cited: true, ...more };
}

function sourcesOf(sources: RunSource[] | undefined, chinese = false): string | null {
  const run = { thread_id: "t", status: "completed", error: null, result: null, sources } as unknown as Run;
  const blocks = endBlocks({ run, place, links: [], chinese });
  const texts = blocks.map((block) => JSON.parse(JSON.stringify(block.elements))[0].text as string);
  return texts.length === 2 ? (texts[0] ?? null) : null;
}

describe("a plan in Slack", () => {
  const task = (status: TaskState["status"], verification?: TaskState["verification"]): TaskState => ({
    ...{ id: `${status} ${verification}`, content: `${verification ?? "plain"}`, status },
    ...(verification === undefined ? {} : { verification }),
  });
  const tasks = [
    ...[
      task("completed", "verified"),
      task("completed", "self_checked"),
      task("completed"),
      task("pending", "not_run"),
    ],
    task("cancelled", "failed"),
  ];

  it("says what is known of each task that has ended, in its language", () => {
    const said = (title: string) =>
      planText({ version: 1, sections: [{ id: "s", title, tasks }] })
        .split("\n")
        .slice(1);
    expect(said("Shop")).toEqual([
      "✅ verified _(verified)_",
      "✅ self_checked _(self-checked)_",
      "✅ plain",
      "▫️ not_run",
      "✖️ failed _(check failed)_",
    ]);
    expect(said("商店")[1]).toBe("✅ self_checked _(自查通过)_");
  });
});

describe("a run in Slack that may not spend more", () => {
  const said = (code: string, chinese: boolean, cap?: object, reason?: string) => {
    const error = { code, message: "The agent's cap of <$5> is used up.", cap, reason };
    const run = { thread_id: "t", status: "failed", error, result: null } as unknown as Run;
    return JSON.parse(JSON.stringify(endBlocks({ run, place, links: [], chinese })[0])).text.text as string;
  };

  it("says that it has stopped, not that it failed, with the figures that the server names", () => {
    expect(said("budget", false)).toBe(
      ":warning: Stopped at a limit on spending: The agent's cap of &lt;$5&gt; is used up.",
    );
    expect(said("budget", true)).toMatch(/^:warning: 已停止，达到了花费上限：/);
    for (const code of ["budget_unavailable", "price_unknown"]) {
      expect(said(code, false)).toMatch(/^:warning: Stopped, since/);
      expect(said(code, true)).toMatch(/^:warning: 已停止/);
    }
    expect(said("model_error", false)).toMatch(/^:warning: This failed: /);
  });

  it("says in Chinese whose limit it was and what to do, without a word of English", () => {
    const user = { scope: "user", name: "max_cost_usd", limit: 5, period: "2026-11-28" };
    expect(said("budget", true, user)).toBe(
      ":warning: 已停止：达到了该用户 2026-11-28（UTC）的上限（$5）。次日（按 UTC）重新计算。管理员可以提高上限。",
    );
    const agent = { scope: "agent", name: "max_total_tokens", limit: 20_000 };
    expect(said("budget", true, agent)).toBe(
      ":warning: 已停止：达到了该智能体每次运行的上限（20,000 token）。该上限按每次运行单独计算，再发一条消息即可继续。",
    );
    expect(said("budget", true, user, "held")).toBe(
      ":warning: 已停止：该用户 2026-11-28（UTC）的上限（$5）所剩的额度已被其他运行预留。等其中一些运行结束后，请再发一次消息。",
    );
    expect(said("budget", true, agent, "too_low")).toBe(
      ":warning: 已停止：该智能体每次运行的上限（20,000 token）太低，不够单独调用一次模型。请在智能体中提高上限，再发一条消息即可继续。",
    );
    expect(said("budget_unavailable", true)).toBe(
      ":warning: 已停止：暂时无法查询剩余额度，因此没有继续花费。请过几分钟再发一次消息。",
    );
  });
});

describe("the sources below an answer in Slack", () => {
  it("are links by number, with what was not read marked, in the answer's language", () => {
    expect(sourcesOf([source(1), source(4, { read: false, title: null })])).toBe(
      "Sources:\n<https://tea.example/1?a=1&amp;b=2|[1]> Tea 1\n<https://tea.example/4?a=1&amp;b=2|[4]> (not read)",
    );
    expect(sourcesOf([source(4, { read: false })], true)).toMatch(/^来源：\n.*Tea 4（未阅读）$/);
  });

  it("are those that are cited, or if none is, those that were read", () => {
    const read = [source(1, { cited: false }), source(2, { cited: false })];
    expect(sourcesOf([...read, source(3)])?.split("\n")).toHaveLength(2);
    expect(sourcesOf(read)?.split("\n")).toHaveLength(3);
    expect(sourcesOf([])).toBeNull();
    expect(sourcesOf(undefined)).toBeNull();
  });

  it("are ten at most, and stay short whatever their addresses are", () => {
    expect(sourcesOf(Array.from({ length: 12 }, (_, at) => source(at + 1)))).toMatch(/\[10\]> Tea 10\nand 2 more$/);
    const long = source(1, { url: `https://tea.example/${"a".repeat(1900)}` });
    expect(sourcesOf([long, source(2)])).toBe("Sources:\nand 2 more");
  });

  it("let no title mention anybody or end its line, and no address end its link", () => {
    const text = sourcesOf([
      source(1, { title: "<!channel> <@U1>\n*x* & <https://evil.example|y>" }),
      source(2, { url: "https://tea.example/a|b>c" }),
    ]);
    expect(text).not.toMatch(/<[!@]|<https:\/\/evil|\|b>/);
    expect(text?.split("\n")).toHaveLength(3);
  });
});
