// What reading a page needs of the runtime: encodings, decompression, the parsers.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { type Env, readConfig } from "../../src/config.ts";
import { createFetchTools } from "../../src/tools/web/fetch.ts";
import { inflate } from "../../src/tools/web/pages/body.ts";
import { decode } from "../../src/tools/web/pages/charset.ts";
import { readHtml } from "../../src/tools/web/pages/html/page.ts";
import { callTool } from "../fakes/call-tool.ts";

const bytes = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

describe("the runtime", () => {
  it.each([
    ["gbk", "c4e3bac3", "你好"],
    ["gb18030", "c4e381308130", "你\u0080"],
    ["big5", "a741a66e", "你好"],
    ["shift_jis", "93fa967b", "日本"],
    ["euc-jp", "c6fccbdc", "日本"],
    ["iso-2022-jp", "1b2442467c4b5c1b2842", "日本"],
    ["euc-kr", "c7d1b1db", "한글"],
    ["windows-1250", "9c", "ś"],
    ["windows-1251", "cfeef0f2", "Порт"],
    ["windows-1252", "93e9", "“é"],
    ["windows-1253", "e1", "α"],
    ["windows-1254", "fe", "ş"],
    ["windows-1255", "e0", "א"],
    ["windows-1256", "c7", "ا"],
    ["windows-1258", "f5", "ơ"],
    ["windows-874", "a1", "ก"],
    ["iso-8859-2", "b6", "ś"],
    ["koi8-r", "f0cf", "По"],
    ["utf-16le", "604f", "你"],
  ])("reads %s", (charset, hex, text) => {
    expect(new TextDecoder(charset).decode(bytes(hex))).toBe(text);
    expect(decode(bytes(hex), charset, false).text).toBe(text);
  });

  it("finds the article of a page", () => {
    const paragraph = "The river rose by two metres in one night, and the town had to be left. ".repeat(4);
    const html = `<html><body><nav><a href="/">Home</a></nav><div class="story"><h1>Flood</h1>${`<p>${paragraph}</p>`.repeat(6)}</div><div class="related"><a href="/x">More</a></div></body></html>`;
    const { text } = readHtml(html, "https://news.example/a");
    expect(text).toContain("The river rose");
    expect(text).not.toContain("Home");
  });

  it("decompresses what it did not decompress by itself", async () => {
    const stream = new Blob(["hello ".repeat(100)]).stream().pipeThrough(new CompressionStream("deflate"));
    const packed = new Uint8Array(await new Response(stream).arrayBuffer());
    const end = await inflate(packed, 10_000, new AbortController().signal);
    expect("bytes" in end ? new TextDecoder().decode(end.bytes) : end).toBe("hello ".repeat(100));
    expect(await inflate(packed, 10, new AbortController().signal)).toHaveProperty("too_long");
  });

  it("asks a site with a limit of time, and gives its refusals as sentences", async () => {
    const { OPENAI_BASE_URL = "" } = env as unknown as Env;
    const { origin } = new URL(OPENAI_BASE_URL);
    const config = readConfig({ WEB_PRIVATE_ORIGINS: origin, FETCH_URL_ADDRESSES: "any" } as unknown as Env);
    const read = (url: string) => callTool(createFetchTools(config), "fetch_url", { url });
    expect((await read(`${origin}/no-such-page`)).content).toContain("There is no page at this address (404)");
    expect((await read("http://127.0.0.1:1/")).content).toContain("is this computer itself");
    const stop = AbortSignal.abort(new DOMException("cancelled", "AbortError"));
    const cancelled = callTool(createFetchTools(config), "fetch_url", { url: origin }, { signal: stop });
    await expect(cancelled).rejects.toThrow("cancelled");
  });
});
