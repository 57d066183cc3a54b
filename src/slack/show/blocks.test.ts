import { describe, expect, it } from "vitest";
import { place } from "../../../test/fakes/slack-channel.ts";
import type { Run, RunSource } from "../../protocol/run.ts";
import { endBlocks } from "./blocks.ts";

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

describe("a run in Slack that may not spend more", () => {
  const said = (code: string, chinese: boolean) => {
    const error = { code, message: "The agent's cap of <$5> is used up." };
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
      expect(said(code, true)).toMatch(/^:warning: 已停止，/);
    }
    expect(said("model_error", false)).toMatch(/^:warning: This failed: /);
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
