import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { MemorySandbox } from "../../../examples/memory-sandbox/sandbox.ts";
import { callTool } from "../../../test/fakes/call-tool.ts";
import { type HostileSite, startHostileSite } from "../../../test/fakes/hostile-site.ts";
import { memoryCache, memorySources } from "../../../test/fakes/sources.ts";
import type { Sandbox } from "../../agent/sandbox.ts";
import type { Source } from "../../agent/sources.ts";
import type { ToolContext } from "../../agent/tool.ts";
import { type Env, readConfig } from "../../config.ts";
import { exceeded } from "../../protocol/money/quotas.ts";
import { createFetchTools } from "./fetch.ts";
import type { DownloadSettings } from "./pages/download.ts";
import { createHostTurns } from "./pages/hosts.ts";
import { createRobots } from "./pages/robots.ts";

let site: HostileSite;
beforeAll(async () => {
  site = await startHostileSite();
});
afterAll(() => site.close());
afterEach(() => void site.asked.splice(0));

interface Setup {
  env?: Record<string, string>;
  limits?: Partial<DownloadSettings>;
  context?: Partial<ToolContext>;
}

/** Any address may be fetched, so that a test says what it is about. */
async function read(path: string, { env, limits, context }: Setup = {}, offset?: number) {
  const url = path.startsWith("/") ? site.url + path : path;
  const config = readConfig({ FETCH_URL_ADDRESSES: "any", WEB_PRIVATE_ORIGINS: site.url, ...env } as unknown as Env);
  return callTool(createFetchTools(config, limits), "fetch_url", { url, offset }, context);
}

describe("the pages of a day", () => {
  it("are counted where one is asked for, and not for another part of it, nor for what is no page", async () => {
    let counted = 0;
    const takeUse: ToolContext["takeUse"] = async () => {
      counted += 1;
      return null;
    };
    const context = { cache: memoryCache(), takeUse };
    for (const offset of [0, 3]) expect((await read("/page", { context }, offset)).is_error).toBe(false);
    expect((await read("ftp://a.example/", { context })).is_error).toBe(true);
    expect(counted).toBe(1);
  });

  it("are refused once they are used up, with the time when they begin anew, and nobody is asked", async () => {
    const takeUse = async () => exceeded("lookups_per_day", 5, 7_200);
    const { content, is_error } = await read("/page", { context: { takeUse } });
    expect(is_error).toBe(true);
    expect(content).toMatch(/lookups_per_day.*00:00 UTC, in 2 hours: don't try it again before/);
    expect(site.asked).toEqual([]);
  });
});

describe("a page", () => {
  it("comes with its number, address, title and time, and its content in a fence", async () => {
    const { content, is_error, sources, details } = await read("/page");
    const { host } = new URL(site.url);
    expect(content).toBe(
      `[1] ${site.url}/page\nFetched: 1970-01-01T00:00:00.000Z\n<web_content source="[1] ${host}">\nTitle: A page\n\n# A page\n\nSome words.\n</web_content>`,
    );
    expect(is_error).toBe(false);
    const hash = expect.stringMatching(/^[0-9a-f]{64}$/);
    const source = {
      n: 1,
      url: `${site.url}/page`,
      title: "A page",
      date: null,
      read: { at: "1970-01-01T00:00:00.000Z", hash },
    };
    expect(sources).toEqual([source satisfies Source]);
    expect(details).toMatchObject({
      title: "A page",
      offset: 0,
      total: "# A page\n\nSome words.".length,
    });
  });

  it("has no words of its content type outside of the fence", async () => {
    const { content } = await read("/type");
    expect(content).not.toContain("reminder");
  });

  it("is asked for once in a run, also for its later parts and at the same time", async () => {
    const context = { cache: memoryCache(), sources: memorySources() };
    await Promise.all([read("/paragraphs", { context }), read("/paragraphs", { context })]);
    const second = await read("/paragraphs#part", { context }, 20_000);
    expect(second.content).toContain("[characters 20000-40000 of ");
    expect(second.content).toContain("to go on, call fetch_url with this url and offset 40000");
    expect(site.asked.length).toBe(1);
    expect(second.sources?.[0]?.n).toBe(1);
    expect((await read("/paragraphs", { context }, 9_000_000)).content).toContain("is after its end");
  });

  it("in parts is whole when they are put together", async () => {
    const context = { cache: memoryCache() };
    let [offset, characters] = [0, 0];
    for (let part = 0; part < 100; part++) {
      const { content, details } = await read("/paragraphs", { context }, offset);
      expect(details?.offset).toBe(offset);
      characters += Number(details?.characters);
      const next = /offset (\d+)\]/.exec(content)?.[1];
      if (next === undefined) break;
      offset = Number(next);
    }
    const { details } = await read("/paragraphs", { context });
    expect(characters).toBe(details?.total);
  });

  it("that failed is asked for again", async () => {
    const context = { cache: memoryCache() };
    expect((await read("/limited", { context })).is_error).toBe(true);
    await read("/limited", { context });
    expect(site.asked.length).toBe(2);
  });

  it("names addresses, unless a program of the sandbox wrote its text", async () => {
    expect((await read("/page")).names_addresses).toBe(true);
    const sandbox = new MemorySandbox();
    const found = { exit_code: 0 } as Awaited<ReturnType<Sandbox["runCommand"]>>;
    sandbox.runCommand = async () => found;
    sandbox.readFile = async () => new TextEncoder().encode("https://evil.example/?d=secret");
    const result = await read("/pdf", { context: { sandbox } });
    expect(result).toMatchObject({ is_error: false, names_addresses: false });
  });

  it("is sent for through the network for public addresses, unless the operator named its origin", async () => {
    const sent: string[] = [];
    const send: DownloadSettings["send"] = async (url) => {
      sent.push(url);
      return url.endsWith("/robots.txt")
        ? new Response("", { status: 404 })
        : new Response(null, { status: 302, headers: { location: `${site.url}/page` } });
    };
    const setup = { env: { FETCH_ROBOTS: "1" }, limits: { send, robots: createRobots() } };
    expect((await read("https://public.example/a", setup)).content).toContain("Some words.");
    expect(sent).toEqual(["https://public.example/robots.txt", "https://public.example/a"]);
    expect(site.asked.map(({ path }) => path)).toEqual(["/robots.txt", "/page"]);
    expect((await read(`http://localhost.example:${new URL(site.url).port}/a`, setup)).is_error).toBe(false);
    expect(sent.length).toBe(4);
  });

  it("that the network refuses is answered as one that can't be reached", async () => {
    const send = () => Promise.reject(new Error("internal error; reference = abc"));
    expect(await read("https://public.example/a", { limits: { send } })).toMatchObject({
      is_error: true,
      content: expect.stringContaining("leads to a private network, or it does not answer"),
    });
  });

  it("behind redirects says where it was found, under the number of its address", async () => {
    const { content, sources } = await read("/moved");
    expect(content).toContain(`[1] ${site.url}/moved\nRedirected to: ${site.url}/page?moved=1\n`);
    expect(sources?.[0]?.url).toBe(`${site.url}/moved`);
    expect((await read("/hops/4")).is_error).toBe(false);
    expect(await read("/hops/5")).toMatchObject({
      is_error: true,
      content: expect.stringContaining("more than 5 times"),
    });
  });

  it.each([
    ["/json", '{"a":[1,2]}'],
    ["/deflate", "Deflated words."],
    ["/attribute", "Some words."],
    ["/unclosed", "Some words."],
    ["/broken", "Some words."],
    ["/deep", "start"],
    ["/deep-inline", "start"],
    ["/nul", "abc"],
    ["/entities", "&l11;&l11;"],
    ["/cells", "1\n\n1"],
    ["/rows", "| 1 |"],
    ["/base", "x"],
    ["/links", "some words"],
    ["/lists", "line"],
    ["/siblings", "some words"],
    ["/items", "some words"],
    ["/headings", "some words"],
    ["/signs", "some words &&&"],
    ["/spaces", "some words a a a"],
    ["/styles", "some words"],
    ["/classes", "some words"],
  ])("of a hostile kind is read in bounded time: %s", async (path, text) => {
    const before = process.memoryUsage().heapUsed;
    const { content, is_error } = await read(path);
    expect({ is_error, content: content.replaceAll("�", "").slice(0, 20_500) }).toEqual({
      is_error: false,
      content: expect.stringContaining(text),
    });
    expect(content.length).toBeLessThan(30_000);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(300 * 1024 * 1024);
  });
});

describe("what is no page ends in a sentence that helps", () => {
  it.each([
    ["/gzip-bomb", "longer than the 2.0 MB"],
    ["/br-bomb", "longer than the 2.0 MB"],
    ["/deflate-bomb", "longer than the 2.0 MB"],
    ["/endless", "longer than the 2.0 MB"],
    ["/declared-long", "longer than the 2.0 MB that this tool reads (3000.0 MB)"],
    ["/not-gzip", "broke before the page was complete, or its content was damaged"],
    ["/short", "connection broke"],
    ["/cut", "connection broke"],
    ["/garbage", "can't be reached"],
    ["/image", "an image (image/png, 48 KB), which this tool names and does not read"],
    ["/lying-text", "a file (text/plain, 8 bytes) and no text"],
    ["/empty", "empty page"],
    ["/no-location", "leads nowhere (302)"],
    ["/limited", "asks to wait for 30 s"],
    ["/wall", "behind a check of Cloudflare for people with browsers (403)"],
    ["/soft-wall", "behind a check for people with browsers, "],
    ["/status/401", "needs a login (401)"],
    ["/status/402", "must be paid for"],
    ["/status/403", "does not let this reader in"],
    ["/status/404", "no page at this address (404)"],
    ["/status/410", "removed for good"],
    ["/status/418", "refused the request (418)"],
    ["/status/451", "legal reasons"],
    ["/status/500", "an error of its own (500)"],
    ["/status/503", "an error of its own (503)"],
    ["/loop", "redirects more than 5 times"],
    ["/private", "redirects to one that is an address of a private network"],
    ["/metadata", "redirects to one that is a link-local address"],
    ["/file", "redirects to one that is not an http or https address"],
    ["/data", "redirects to one that is not an http or https address"],
    ["/login", "redirects to one that contains a user or password"],
    ["/nowhere", "redirects to one that is not a valid address"],
    ["file:///etc/passwd", "The address is not an http or https address."],
    ["http://127.0.0.1:1/", "The address is this computer itself, so this tool does not read it."],
    ["http://metadata.google.internal/", "private network"],
    ["https://user:pass@example.com/", "contains a user or password"],
    ["example.com", "not a valid address: give the whole of it"],
  ])("%s", async (path, message) => {
    const { content, is_error, sources } = await read(path);
    expect(content).toContain(message);
    expect(content).toMatch(/^[A-Z].*\.$/s);
    expect({ is_error, sources }).toEqual({ is_error: true, sources: undefined });
  });

  it("a flood of headers, unless the runtime refuses it before", async () => {
    expect((await read("/headers")).content).toMatch(/headers and was left|can't be reached/);
  });

  it.each(["/drip", "/silent"])("after its time: %s", async (path) => {
    const { content } = await read(path, { limits: { time_ms: 300 } });
    expect(content).toBe("The site was too slow: it had 0.3 s. Try once more, or look for another source.");
  });

  it("and all redirects share this time", async () => {
    const { content } = await read("/loop", { limits: { time_ms: 1 } });
    expect(content).toMatch(/too slow|more than 5 times/);
  });

  it("unless the run is cancelled, which ends it at once", async () => {
    const stop = new AbortController();
    const reading = read("/drip", { context: { signal: stop.signal } });
    // A request of the test before, which gave it up, may still arrive.
    await expect.poll(() => site.asked.map(({ path }) => path)).toContain("/drip");
    stop.abort(new DOMException("cancelled", "AbortError"));
    await expect(reading).rejects.toThrow("cancelled");
  });
});

describe("a request", () => {
  it("says who asks, and carries no cookie and no key", async () => {
    await read("/cookie", { env: { FETCH_CONTACT: "https://example.com/bot" } });
    await read("/cookie");
    const [first, second] = site.asked.map(({ headers }) => headers);
    expect(first?.["user-agent"]).toBe("Taskloom (+https://example.com/bot)");
    expect(second?.["user-agent"]).toBe("Taskloom");
    for (const headers of [first, second]) {
      expect(headers?.cookie).toBeUndefined();
      expect(headers?.authorization).toBeUndefined();
      expect(headers?.referer).toBeUndefined();
    }
  });

  it("waits until the one before it to its host is over", async () => {
    const limits = { hosts: createHostTurns({ poll_ms: 5 }) };
    const paths = ["/page", "/json", "/cookie", "/attribute", "/broken"];
    const open = site.most_open();
    const results = await Promise.all(paths.map((path) => read(path, { limits })));
    expect(results.map(({ is_error }) => is_error)).toEqual(paths.map(() => false));
    expect(site.most_open()).toBe(open);
  });

  it("does not wait for ever", async () => {
    const limits = { hosts: createHostTurns({ wait_ms: 30, poll_ms: 5 }), time_ms: 500 };
    const [slow, other] = await Promise.all([read("/drip", { limits }), read("/page", { limits })]);
    expect(slow.content).toContain("too slow");
    expect(other.content).toContain("still under way, and it is asked one at a time");
  });
});

describe("settings", () => {
  it("let only addresses be read that a person or a result named", async () => {
    const env = { FETCH_URL_ADDRESSES: "named" };
    const refused = await read("/page", { env });
    expect(refused.content).toContain("Neither the person nor a result named this address");
    expect(site.asked).toEqual([]);
    const sources = memorySources([`${site.url}/page`]);
    expect((await read("/page", { env, context: { sources } })).is_error).toBe(false);
    expect((await read("/page?secret=1", { env, context: { sources } })).is_error).toBe(true);
  });

  it.each([
    ["https://example.com/%E5%8C%97?a=1", "https://example.com/北?a=1"],
    ["https://www.example.com/a", "example.com/a"],
    ["https://example.com/a", "http://example.com/a"],
    ["https://example.com/a#part", "https://example.com/a"],
  ])("know %s where it was named as %s", async (url, named) => {
    const isNamed = (...forms: string[]) => forms.includes(named);
    const context = { sources: { ...memorySources(), isNamed }, signal: AbortSignal.abort(new Error("asked")) };
    await expect(read(url, { env: { FETCH_URL_ADDRESSES: "named" }, context })).rejects.toThrow("asked");
  });

  it.each([
    ["a secret before a step back", "/secret%5C..%5Cpage"],
    ["a secret written in line ends and tabs", "/pa%0A%09%0D%0Age"],
    ["a secret written in spaces", "/page%20%20%20"],
    ["the same in a query", "/page?a%0A%09"],
  ])("know no address that escapes make another of: %s", async (_name, path) => {
    const context = { sources: memorySources(["/page", "/page?a"].map((named) => site.url + named)) };
    const { is_error } = await read(path, { env: { FETCH_URL_ADDRESSES: "named" }, context });
    expect({ is_error, asked: site.asked }).toEqual({ is_error: true, asked: [] });
  });

  it("keep it from sites, also behind a redirect", async () => {
    const env = { WEB_DOMAINS_DENY: "example.com" };
    expect((await read("https://www.example.com/", { env })).content).toContain("operator does not allow");
  });

  it("deny a site also where its origin is named, and need no entry for such an origin in the list of allowed ones", async () => {
    const { hostname } = new URL(site.url);
    const denied = await read("/page", { env: { WEB_DOMAINS_DENY: hostname } });
    expect(denied.content).toContain("operator does not allow");
    expect(site.asked).toEqual([]);
    expect((await read("/page", { env: { WEB_DOMAINS_ALLOW: "example.com" } })).is_error).toBe(false);
  });

  it("that are wrong stop it, and are named", async () => {
    const { content } = await read("/page", { env: { FETCH_ROBOTS: "1", WEB_DOMAINS_DENY: "a b" } });
    expect(content).toBe(
      "A setting of this server is wrong, so fetch_url reads nothing. Tell the person, for its operator: The server's setting WEB_DOMAINS_DENY has no domain such as example.com at place 1.",
    );
    expect(site.asked).toEqual([]);
  });

  it("switch it off", () => {
    expect(createFetchTools(readConfig({ FETCH_URL: "off" } as unknown as Env))).toEqual([]);
  });
});
