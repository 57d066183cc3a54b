import { describe, expect, it } from "vitest";
import { model } from "./model.ts";

const now = Date.UTC(2026, 10, 20);

function read(text: string, annotations: object[], sources: (object | null)[] = []) {
  const message = { type: "message", content: [{ type: "output_text", text, annotations }] };
  return model.read({ output: [{ type: "web_search_call", action: { sources } }, message] }, now);
}

const cite = (text: string, link: string, url: string, title: string) => {
  const start_index = text.indexOf(link);
  return { type: "url_citation", start_index, end_index: start_index + link.length, url, title };
};

describe("the search of a model's provider", () => {
  it("keeps each citation with what the model wrote before it", () => {
    const text =
      "Found:\n- **Survey 2026**: 41 % work remotely. ([a.example](https://a.example/x?utm_source=openai))\n2) Meetings fell to 6.1 h ([b.example](https://b.example/)) ([c.example](https://c.example/))";
    const pages = read(text, [
      cite(text, "[a.example]", "https://a.example/x?utm_source=openai", "Survey"),
      cite(text, "[b.example]", "https://b.example/", "Meetings"),
      cite(text, "[c.example]", "https://c.example/", "Others"),
    ]);
    expect(pages).toEqual([
      { url: "https://a.example/x", title: "Survey", date: null, passage: "**Survey 2026**: 41 % work remotely." },
      { url: "https://b.example/", title: "Meetings", date: null, passage: "Meetings fell to 6.1 h" },
      { url: "https://c.example/", title: "Others", date: null, passage: "Meetings fell to 6.1 h" },
    ]);
  });

  it("adds the pages that were found and not cited, without a passage", () => {
    const text = "One ([a.example](https://a.example/))";
    const sources = [
      { type: "url", url: "https://a.example/?utm_source=openai" },
      { type: "url", url: "https://d.example/" },
      null,
    ];
    expect(read(text, [cite(text, "[a.example]", "https://a.example/", "A")], sources)).toMatchObject([
      { url: "https://a.example/", passage: "One" },
      { url: "https://d.example/", title: "", passage: "" },
    ]);
  });

  it("reads the citations of xAI, whose titles are numbers, and its list of all pages", () => {
    const text = "- Grok is a model.[[1]](https://a.example/x_(y))[[2]](https://b.example/)";
    const pages = model.read(
      {
        citations: ["https://b.example/", "https://c.example/", 5],
        output: [
          {
            type: "message",
            content: [
              {
                text,
                annotations: [
                  cite(text, "[[1]]", "https://a.example/x_(y)", "1"),
                  cite(text, "[[2]]", "https://b.example/", "2"),
                ],
              },
            ],
          },
        ],
      },
      now,
    );
    expect(pages).toEqual([
      { url: "https://a.example/x_(y)", title: "", date: null, passage: "Grok is a model." },
      { url: "https://b.example/", title: "", date: null, passage: "Grok is a model." },
      { url: "https://c.example/", title: "", date: null, passage: "" },
    ]);
  });

  it("reads an answer that is one long line with more citations than pages in bounded time", () => {
    const text = "[".repeat(1_000_000);
    const notes = Array.from({ length: 20_000 }, () => ({
      type: "url_citation",
      url: "https://a.example/",
      start_index: 999_999,
    }));
    expect(read(text, notes)).toHaveLength(50);
  });

  it("names more domains than every provider takes in its instructions", () => {
    const domains = ["a", "b", "c", "d", "e", "f"].map((name) => `${name}.example`);
    const write = (domains: string[]) => {
      const request = { query: "x", count: 10, freshness: null, domains };
      return JSON.parse(String(model.write(request, { access: "k", model: "m" }, now, null).init.body)) as {
        instructions: string;
        tools: object[];
      };
    };
    expect(write(domains.slice(1)).tools).toEqual([
      { type: "web_search", filters: { allowed_domains: domains.slice(1) } },
    ]);
    expect(write(domains).tools).toEqual([{ type: "web_search" }]);
    expect(write(domains).instructions).toContain(domains.join(", "));
  });

  it("reads what the answer counts, with what xAI leaves out of its output and says of the cost", () => {
    const countOf = (usage: unknown) => model.asksModel?.readUsage({ output: [], usage });
    const details = { input_tokens_details: { cached_tokens: 40 } };
    expect(countOf({ input_tokens: 100, output_tokens: 20, total_tokens: 120, ...details })).toEqual({
      ...{ input_tokens: 100, cached_input_tokens: 40, output_tokens: 20, cost_usd: null },
    });
    const written = { input_tokens_details: { cached_tokens: 40, cache_write_tokens: 50 } };
    expect(countOf({ input_tokens: 100, output_tokens: 20, ...written })).toMatchObject({ cache_write_tokens: 50 });
    const grok = { input_tokens: 100, output_tokens: 20, total_tokens: 170, cost_in_usd_ticks: 250_000_000 };
    expect(countOf(grok)).toMatchObject({ output_tokens: 70, cost_usd: 0.025 });
    for (const none of [
      undefined,
      null,
      {},
      [],
      "x",
      { input_tokens: 0 },
      { output_tokens: 20, total_tokens: 20 },
      { input_tokens: -9, output_tokens: 20 },
      { input_tokens: 1e15, output_tokens: 20 },
      { input_tokens: "9", output_tokens: Number.POSITIVE_INFINITY },
    ]) {
      expect(countOf(none)).toBeNull();
    }
  });

  it("takes no words for a page that has no citation, and no other annotation for one", () => {
    expect(read("I could not search.", [])).toEqual([]);
    expect(read("x", [{ type: "file_citation", url: "https://a.example/" }, { type: "url_citation" }])).toEqual([]);
    expect(model.read({ status: "failed", output: [], error: { code: "server_error" } }, now)).toBe("unavailable");
  });
});
