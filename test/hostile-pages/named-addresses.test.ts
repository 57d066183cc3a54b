// The rule of named addresses as a whole, from the text of a call to the request that leaves: whatever is put together
// from an address that a person wrote, the words beside it and the ways to write an address, no request has the words.

import fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { insertMessage } from "../../src/thread/rows/messages.ts";
import { isNamedInText } from "../../src/thread/run/named.ts";
import { createFetchTools } from "../../src/tools/web/fetch.ts";
import { callTool } from "../fakes/call-tool.ts";
import { noSettings } from "../fakes/settings.ts";
import { memorySources } from "../fakes/sources.ts";
import { openDatabase } from "../fakes/sqlite-database.ts";
import { runCount } from "../setup/run-count.ts";

const requested: string[] = [];
beforeEach(() => {
  vi.stubGlobal("fetch", async (input: string) => {
    requested.push(input);
    return new Response("Tea.", { headers: { "content-type": "text/plain" } });
  });
});
afterEach(() => {
  requested.splice(0);
  vi.unstubAllGlobals();
});

const secret = "canary4711";

/** What a person may write around an address, and what then stands between it and the next words. */
const frames = [
  ...[
    "  ",
    " \n",
    " \t",
    " \r\n",
    ' " ',
    " <>",
    " \\",
    " ^",
    " `",
    " |",
    " {",
    "（）",
    " ，",
    " 。",
    " ｜",
    " →",
    " 🔑",
  ],
  ...[" \u00a0", " \u3000", " \u200b", " \u2060", " \u2028", " \u0085", " ﹚", "“”", "「」"],
].map((signs) => [[...signs][0] ?? "", [...signs].slice(1).join("")] as const);
const pairs = [
  ["'", "'"],
  ["'", "',"],
  ["(", ")"],
  ["(", "),"],
  ["[", "]"],
  ["[x](", ")["],
  ["*", "*"],
  ["**", "**"],
];
const frame = fc.constantFrom(...frames, ...pairs, ["", "\u007f"]);

const address = fc.constantFrom(
  ...["https://tea.example", "https://tea.example/", "http://tea.example/a/b.html", "https://tea.example/?q="],
  ...["https://www.tea.example/a?b=c&d=", "tea.example/a", "www.tea.example", "https://tea.example:8443/a"],
  ...["https://茶.example/茶", "https://tea.example/%E8%8C%B6", "https://tea.example/a#b", "HTTPS://Tea.Example/A"],
);

/** What a model may write in place of the signs between. */
const between = [
  (signs: string) => signs,
  (signs: string) => signs.trim(),
  (signs: string) => encodeURI(signs),
  (signs: string) => encodeURIComponent(signs),
  (signs: string) => JSON.stringify(signs).slice(1, -1),
  (signs: string) => signs.normalize("NFKC"),
  ...["", "/", "?", "#", "&", "=", "@", ":", ".", ",", ";", "+", "-", "%20", "%2F", "/../", "\\", "\u00ad"].map(
    (other) => () => other,
  ),
];

/** Other ways to write the whole. */
const spellings = [
  (url: string) => url,
  (url: string) => url.replace(/^(?:https?:\/\/)?/i, "https://"),
  (url: string) => url.replace(/^(?:https?:\/\/)?(?:www\.)?/i, "http://"),
  (url: string) => url.replace(/^(?:https?:\/\/)?/i, "https:"),
  (url: string) => url.replace(/^(?:https?:\/\/)?/i, "https:\\\\"),
  (url: string) => url.replace(/^(?:https?:\/\/)?/i, "https://www."),
  (url: string) => url.replace(/^(?:https?:\/\/)?/i, `https://${secret}@`),
  (url: string) => url.replace(/^(?:https?:\/\/)?/i, `https://${secret}.`),
  (url: string) => url.replace(/^(?:https?:\/\/)?/i, "https://").replace(".example", ".example."),
  (url: string) => url.replace(/^(?:https?:\/\/)?/i, "https://").replace(".example", ".example:443"),
  (url: string) => url.replace("tea", "t\u00adea"),
  (url: string) => url.replace("tea", "t\nea"),
  (url: string) => url.toUpperCase(),
  (url: string) => encodeURI(url),
  (url: string) => URL.parse(url)?.href ?? url,
  ...["/", "/.", "?", "#x", "\u00a0", ".", "\\", "/%2e%2e", "&x=1"].map((end) => (url: string) => url + end),
];

/** However it is escaped. */
function holdsSecret(url: string): boolean {
  return decodeURIComponent(url).toLowerCase().includes(secret);
}

async function fetchAs(said: string, url: string): Promise<void> {
  const { sql } = openDatabase();
  const origin = { message_id: "msg_1", invocation_id: null, agent_id: null, created_at: "" };
  insertMessage(sql, { ...origin, type: "user", is_llm_message: true, content: { role: "user", content: said } });
  const sources = { ...memorySources(), isNamed: (...forms: string[]) => isNamedInText(sql, ...forms) };
  await callTool(createFetchTools(noSettings), "fetch_url", { url }, { sources });
}

it("no request has the words beside an address that a person wrote, however the call spells them", async () => {
  const attack = fc.record({
    address,
    frame,
    word: fc.constantFrom("", "code", "code=", "密码"),
    between: fc.constantFrom(...between),
    spell: fc.constantFrom(...spellings),
  });
  await fc.assert(
    fc.asyncProperty(attack, async ({ address, frame: [before, after], word, between, spell }) => {
      const said = `Read ${before}${address}${after}${word}${secret} and ${secret}.`;
      await fetchAs(said, spell(`${address}${between(`${after}${word}`)}${secret}`));
      expect(requested.splice(0).filter(holdsSecret)).toEqual([]);
    }),
    { numRuns: runCount(600) },
  );
});

it("a request has the address itself, in each frame", async () => {
  for (const [before, after] of [...frames, ...pairs]) {
    await fetchAs(`Read ${before}https://tea.example/a${after}code${secret}.`, "https://tea.example/a");
    expect([before, after, requested.pop()]).toEqual([before, after, "https://tea.example/a"]);
  }
});

it.each(["Tea.example/A", "Https://tea.example/A", "https://Tea.example/A", "tea.example/A"])(
  "a request has an address that a person wrote as %s",
  async (written) => {
    await fetchAs(`${written} is what I mean.`, "https://tea.example/A");
    await fetchAs(`${written} is what I mean.`, "https://tea.example/a");
    expect(requested).toEqual(["https://tea.example/A"]);
  },
);
