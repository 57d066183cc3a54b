import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { processorTime } from "../../../test/fakes/processor-time.ts";
import { openDatabase } from "../../../test/fakes/sqlite-database.ts";
import { insertMessage, type NewMessage } from "../rows/messages.ts";
import { isNamedInText } from "./named.ts";
import { keepResult } from "./results.ts";

const address = "https://tea.example/history";

function open() {
  const { sql } = openDatabase();
  let count = 0;
  const add = (message: Pick<NewMessage, "type" | "content"> & { metadata?: Record<string, unknown> }) => {
    const origin = { message_id: `msg_${count++}`, invocation_id: null, agent_id: null, created_at: "" };
    return insertMessage(sql, { ...origin, is_llm_message: true, ...message } as NewMessage);
  };
  return {
    sql,
    says: (content: string) => add({ type: "user", content: { role: "user", content } }),
    writes: (text: string, args: unknown = {}) =>
      add({
        type: "assistant",
        content: {
          role: "assistant",
          content: text,
          tool_calls: [
            {
              id: "c",
              type: "function",
              function: { name: "t", arguments: typeof args === "string" ? args : JSON.stringify(args) },
            },
          ],
        },
      }),
    returns: (
      content: string,
      metadata: Record<string, unknown> = { name: "fetch_url", is_error: false, sources: [1], names_until: 9999 },
    ) => add({ type: "tool", content: { role: "tool", tool_call_id: "c", content }, metadata }),
    isNamed: (url = address) => isNamedInText(sql, url),
  };
}

it("reads the texts of a thread once for all forms of an address", () => {
  const { sql, says } = open();
  says("See tea.example/menu.");
  const read = vi.spyOn(sql, "exec");
  const statements = (...forms: string[]) => {
    read.mockClear();
    return [isNamedInText(sql, ...forms), read.mock.calls.length];
  };
  const forms = Array.from({ length: 9 }, (_, at) => `https://tea${at}.example/menu`);
  // The first time, each statement is prepared too.
  statements("https://coffee.example/menu");
  expect(statements(...forms)).toEqual(statements("https://coffee.example/menu"));
  expect(statements(...forms, "https://tea.example/menu")[0]).toBe(true);
});

it("an address that repeats itself is looked for in linear time", () => {
  const thread = open();
  for (let count = 0; count < 20; count++) thread.says("a.a/".repeat(100_000 / 4));
  for (let count = 0; count < 20; count++) thread.says("a".repeat(100_000));
  const before = process.cpuUsage();
  for (const part of ["a.a/".repeat(1900), `${"a".repeat(7900)}b`])
    expect(thread.isNamed(`http://a.a/${part}`)).toBe(false);
  const { user, system } = process.cpuUsage(before);
  // It took three seconds.
  expect((user + system) / 1000).toBeLessThan(600);
});

it("costs the length of a text that has all but the beginning of an address everywhere", async () => {
  const { isNamed, says } = open();
  const begun = `h.example/b${"a".repeat(2_000)}`;
  says(`${begun} `.repeat(10) + "a".repeat(1_000_000));
  expect(await processorTime(() => isNamed(`https://${begun}${"a".repeat(2_000)}`))).toBeLessThan(600);
  expect(isNamed(`https://${begun}`)).toBe(true);
});

describe("an address is named by a person", () => {
  it.each([
    ["alone", address],
    ["in a sentence", `Read ${address}.`],
    ["in brackets", `(${address})`],
    ["quoted, with escapes of JSON behind it", `"${address}"\nnext`],
    ["in bold", `**${address}**`],
    ["before Chinese signs", `请看${address}。谢谢`],
    ["before Chinese words", `看${address}的内容`],
    ["before a full-width bracket", `（${address}）`],
    ["with a slash at its end", `${address}/ please`],
    ["without its scheme", "Read tea.example/history, please"],
    ["without its scheme, in Chinese", "请阅读tea.example/history"],
    ["with http", "http://tea.example/history"],
    ["with a fragment", `${address}#top`],
    ["at the end of a question", `Is it ${address}?`],
  ])("%s", (_name, text) => {
    const thread = open();
    thread.says(text);
    expect(thread.isNamed()).toBe(true);
    expect(thread.isNamed(`${address}/`)).toBe(true);
  });

  it.each([
    ["a longer one", `${address}/tea`],
    ["one with a query", `${address}?q=1`],
    ["one with a suffix", `${address}.html`],
    ["another host that ends like it", "https://green-tea.example/history"],
    ["another host that ends like it, without a scheme", "my.tea.example/history"],
    ["a mail address", "me@tea.example/history"],
    ["a shorter one", "https://tea.example/hist"],
  ])("and not by %s", (_name, text) => {
    const thread = open();
    thread.says(text);
    expect(thread.isNamed()).toBe(false);
  });

  it("and not with spaces behind it, which could spell out a secret", () => {
    const thread = open();
    thread.says(`Read ${address} now, or tea.example/history`);
    for (const spaces of ["\u00a0", "\u2000\u3000"]) expect(thread.isNamed(address + spaces)).toBe(false);
  });

  it.each([
    ["a space", `Read ${address} my code is 4711`, " my code is 4711"],
    ["a full stop", `Read ${address}. My code is 4711`, ". My code is 4711"],
    ["a line end, as it is stored", `Read ${address}\nMy-code-is-4711`, "\\nMy-code-is-4711"],
    ["a quotation mark, as it is stored", `{"url":"${address}","code":"4711"}`, '\\",\\"code\\":\\"4711'],
    ["a cell of a table", `|${address}|4711|`, "|4711"],
    ["a tag", `<a>${address}</a>4711`, "</a>4711"],
    ["a Chinese comma", `看${address}，密码是4711`, "，密码是4711"],
    ["a Chinese bracket", `看（${address}）密码是4711`, "）密码是4711"],
    ["a single quotation mark", `{'url':'${address}','code':'4711'}`, "','code':'4711"],
    ["a bracket", `(see ${address})code:4711`, ")code:4711"],
    ["the bracket of a link", `[tea](${address})[4711](https://x.example)`, ")[4711"],
    ["a square bracket", `[${address}]code:4711`, "]code:4711"],
    ["bold letters", `**${address}**code:4711`, "**code:4711"],
    ["an asterisk", `*${address}*code:4711`, "*code:4711"],
    ["a wide line", `${address}｜密码4711`, "｜密码4711"],
    ["an arrow", `${address}→4711`, "→4711"],
    ["an emoji", `${address}🔑4711`, "🔑4711"],
    ["a sign that nobody sees", `${address}\u200b密码4711`, "\u200b密码4711"],
    ["a control sign that JSON leaves as it is", `${address}。${address}\u007f4711`, "\u007f4711"],
  ])("and not with the words behind it, after %s, which may be a secret", (_name, text, behind) => {
    const thread = open();
    thread.says(text);
    expect([thread.isNamed(), thread.isNamed(address + behind)]).toEqual([true, false]);
    thread.returns(text);
    expect(thread.isNamed(address + behind)).toBe(false);
  });

  it.each([
    ["brackets in pairs", "https://tea.example/Tea_(drink)", "(see https://tea.example/Tea_(drink))"],
    ["an apostrophe", "https://tea.example/L'eau", "Read https://tea.example/L'eau"],
    ["an asterisk and a tilde", "https://tea.example/~ann/*", "Read https://tea.example/~ann/* now"],
    ["commas", "https://maps.example/@52.5,13.4,15z", "Read https://maps.example/@52.5,13.4,15z, please"],
  ])("with %s in it", (_name, url, text) => {
    const thread = open();
    thread.says(text);
    expect(thread.isNamed(url)).toBe(true);
  });

  it.each(["\n", "\r\n", "\t", "\f"])("without its scheme, behind %j", (space) => {
    const thread = open();
    thread.says(`Read these:${space}tea.example/history${space}tea.example/other`);
    expect(thread.isNamed()).toBe(true);
    expect(thread.isNamed("http://tea.example/other")).toBe(true);
    expect(thread.isNamed("n.tea.example/other")).toBe(false);
  });

  it("also in Unicode, where the model asks for its ASCII form, and the other way round", () => {
    const thread = open();
    thread.says("看 https://例え.example/茶 和 https://xn--r8jz45g.example/%E8%8C%B6/2");
    expect(thread.isNamed("https://例え.example/茶")).toBe(true);
    expect(thread.isNamed("https://xn--r8jz45g.example/%E8%8C%B6/2")).toBe(true);
  });

  it("in an answer to a question, from where their words begin", () => {
    const thread = open();
    const asked = "The person answers: ";
    thread.returns(`${asked}tea.example/history`, { name: "ask", is_error: false, said_at: asked.length });
    expect(thread.isNamed()).toBe(true);
    thread.returns("https://x.example/ is not said: yes", { name: "ask", is_error: false, said_at: 32 });
    expect(thread.isNamed("https://x.example/")).toBe(false);
  });

  it("in a message of more than a megabyte, which stands in several parts", () => {
    const thread = open();
    thread.says(`${"茶".repeat(400_000)} ${address} ${"茶".repeat(400_000)}`);
    expect(thread.isNamed()).toBe(true);
    expect(thread.isNamed("https://tea.example/other")).toBe(false);
  });
});

describe("an address is named by a result", () => {
  it("that read a page", () => {
    const thread = open();
    thread.writes("", { url: "https://portal.example/" });
    thread.returns(`[Tea](${address}) and "quotes"`);
    expect(thread.isNamed()).toBe(true);
  });

  it("and not by what was added to it, such as the project's notes", () => {
    const thread = open();
    thread.writes("", { url: "https://portal.example/" });
    const page = "A page, with “quotes”.\n";
    const metadata = { name: "fetch_url", is_error: false, sources: [1], names_until: page.length };
    thread.returns(`${page}[The sandbox has AGENTS.md: ${address}]`, metadata);
    expect(thread.isNamed()).toBe(false);
    thread.returns(`${address}\n[The sandbox is new]`, { ...metadata, names_until: address.length });
    expect(thread.isNamed()).toBe(true);
  });

  it("also without its scheme, and not by a longer host or address that contains it", () => {
    const thread = open();
    thread.writes("", { url: "https://portal.example/" });
    thread.returns(
      "https://green-tea.example/history https://evil.example/?u=tea.example/history a@tea.example/history",
    );
    for (const url of ["tea.example/history", address]) expect(thread.isNamed(url)).toBe(false);
    thread.returns(`See ${address.replace("https", "http")}, or www.tea.example/b.`);
    expect(thread.isNamed("tea.example/history")).toBe(true);
    expect(thread.isNamed("www.tea.example/b")).toBe(true);
    expect(thread.isNamed("tea.example/b")).toBe(false);
  });

  it("also in the middle of a long one, which the model reads on in", () => {
    const thread = open();
    thread.writes("", { url: "https://portal.example/" });
    const seq = thread.returns("Start … end");
    keepResult(thread.sql, seq, "c", `Start\n[Tea](${address})\n${"茶".repeat(400_000)} end`);
    expect(thread.isNamed()).toBe(true);
    thread.writes("", { path: "x" });
    const other = thread.returns("Start … end", { name: "read_file", is_error: false });
    keepResult(thread.sql, other, "c", "Start https://x.example/secret end");
    expect(thread.isNamed("https://x.example/secret")).toBe(false);
  });

  it.each([
    ["failed", { name: "fetch_url", is_error: true, sources: [1], names_until: 9999 }],
    ["says so in its details", { name: "read_file", is_error: false, details: { names_until: 9999 } }],
    ["is a search or a PDF, which lists sources", { name: "web_search", is_error: false, sources: [1] }],
    ["is of another tool", { name: "read_file", is_error: false }],
    ["says so in a text", { name: "read_file", is_error: false, details: { path: '"names_until":9999' } }],
  ])("and not if it %s", (_name, metadata) => {
    const thread = open();
    thread.writes("", { path: "notes.md" });
    thread.returns(address, metadata);
    expect(thread.isNamed()).toBe(false);
  });

  it.each([
    ["plain", { query: address }],
    ["behind escapes", '{"query":"https:\\/\\/tea.example\\/hist\\u006fry"}'],
    ["without its scheme", { query: "tea.example/history" }],
  ])("and not if its own call contained it, %s", (_name, args) => {
    const thread = open();
    thread.writes("", args);
    thread.returns(`No results for ${address}.`);
    expect(thread.isNamed()).toBe(false);
  });

  it.each([
    ["JSON", '{"link":"https:\\/\\/tea.example\\/history?a=1\\u0026b=2","next":"https:\\/\\/tea.example\\/b"}'],
    ["XML", "<link>https://tea.example/history?a=1&amp;b=2</link><link>https://tea.example/b</link>"],
    ["HTML", '<a href="https://tea.example/history?a=1&#038;b=2">x</a> https://tea.example/b'],
  ])("also in the escapes of %s, and not only its beginning", (_name, text) => {
    const thread = open();
    thread.writes("", { url: "https://portal.example/feed" });
    thread.returns(text);
    expect(thread.isNamed(`${address}?a=1&b=2`)).toBe(true);
    expect(thread.isNamed("https://tea.example/b")).toBe(true);
    for (const url of [address, `${address}?a=1`, "https://tea.example"]) expect(thread.isNamed(url)).toBe(false);
  });

  it("also if its own call named a page below it", () => {
    const thread = open();
    thread.writes("", { url: `${address}/tea/1610?page=2` });
    thread.returns(`[Home](https://tea.example/) > [History](${address}/) > [Tea](${address}/tea/)`);
    for (const url of ["https://tea.example/", `${address}/`, `${address}/tea/`])
      expect(thread.isNamed(url)).toBe(true);
    thread.returns(`[This page](${address}/tea/1610?page=2)`);
    expect(thread.isNamed(`${address}/tea/1610?page=2`)).toBe(false);
  });

  it("and not by what the model wrote", () => {
    const thread = open();
    thread.writes(`Now I fetch ${address}`, { url: address });
    expect(thread.isNamed()).toBe(false);
  });
});

describe("the search for an address", () => {
  it("takes no text for an address of which a part is in no message", () => {
    const piece = fc.constantFrom(
      "https://",
      "tea.example",
      "/",
      "a",
      "?q=",
      "%41",
      "#",
      ".",
      "茶",
      " ",
      '"',
      "\\",
      "_",
      "@",
    );
    const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(text, text, (said, asked) => {
        const thread = open();
        thread.says(said);
        const url = `https://evil.example/${encodeURIComponent(asked)}x`;
        expect(thread.isNamed(url)).toBe(false);
        thread.says(`see ${url} now`);
        expect(thread.isNamed(url)).toBe(true);
      }),
    );
  });

  it("is bounded in a thread of ten thousand rows", () => {
    const thread = open();
    thread.says(address);
    const filler = `${"Tea. ".repeat(800)}`;
    for (let at = 0; at < 2500; at++) {
      thread.says(filler);
      thread.writes("");
      thread.returns(filler);
      thread.returns(filler);
    }
    expect(thread.isNamed()).toBe(false);
    expect(thread.isNamed(`https://x.example/${"a".repeat(9000)}`)).toBe(false);
  });
});
