import { describe, expect, it } from "vitest";
import type { TakeUse } from "../../agent/tool.ts";
import { type Env, readConfig } from "../../config.ts";
import type { Send } from "../../lib/network/send.ts";
import { exceeded } from "../../protocol/money/quotas.ts";
import { createAskAddress } from "./ask-address.ts";
import { createFetchTools } from "./fetch.ts";
import type { DownloadSettings } from "./pages/download.ts";
import { createHostTurns } from "./pages/hosts.ts";
import { createRobots } from "./pages/robots.ts";

const { signal } = new AbortController();
const free: TakeUse = async () => null;

/** Sites that answer what a test says, and note how many requests are open at once, by host and in all. */
class Sites {
  readonly asked: string[] = [];
  most = 0;
  readonly mostOf = new Map<string, number>();
  readonly #open = new Map<string, number>();
  answer: (url: URL, init: RequestInit) => Response | Promise<Response> = () => new Response("ok");

  readonly send: Send = async (address, init) => {
    const url = new URL(address);
    this.asked.push(address);
    this.#count(url.hostname, 1);
    try {
      return await this.answer(url, init);
    } finally {
      this.#count(url.hostname, -1);
    }
  };

  #count(host: string, more: number): void {
    this.#open.set(host, (this.#open.get(host) ?? 0) + more);
    this.mostOf.set(host, Math.max(this.mostOf.get(host) ?? 0, this.#open.get(host) ?? 0));
    const all = [...this.#open.values()].reduce((sum, count) => sum + count, 0);
    this.most = Math.max(this.most, all);
  }
}

function open(sites: Sites, env: Record<string, string> = {}, own: Partial<DownloadSettings> = {}) {
  const config = readConfig(env as unknown as Env);
  const ask = createAskAddress(config, { send: sites.send, hosts: createHostTurns({ poll_ms: 1 }), ...own });
  return (address: string, { user_id = "ann", takeUse = free, until = signal } = {}) =>
    ask(address, { user_id, takeUse }, until);
}

const macrotask = () => new Promise((resolve) => setImmediate(resolve));

describe("an address that a check asks", () => {
  it("counts as a page, and once these are used up nobody is asked", async () => {
    const sites = new Sites();
    let counted = 0;
    const counting: TakeUse = async () => {
      counted += 1;
      return counted > 2 ? exceeded("lookups_per_day", 2, 7_200) : null;
    };
    const ask = open(sites);
    const answers = [];
    for (let at = 0; at < 4; at++) answers.push(await ask(`https://a.example/${at}`, { takeUse: counting }));
    expect(answers.map(({ ok }) => ok)).toEqual([true, true, false, false]);
    expect(answers[3]).toEqual({
      ok: false,
      refused: true,
      message:
        "The searches and pages of this user for today are used up (the quota lookups_per_day). They begin again at 00:00 UTC, in 2 hours.",
    });
    expect(counted).toBe(4);
    expect(sites.asked).toHaveLength(2);
  });

  it("is asked one at a time of a host, whatever its port, scheme and last dot, by all who ask", async () => {
    const sites = new Sites();
    sites.answer = async () => {
      await macrotask();
      return new Response("ok");
    };
    const ask = open(sites);
    const names = ["https://a.example", "http://a.example", "https://A.example:8443", "https://a.example."];
    const asking = Array.from({ length: 40 }, (_, at) => ask(`${names[at % 4]}/${at}`, { user_id: `user ${at % 7}` }));
    expect((await Promise.all(asking)).every(({ ok }) => ok)).toBe(true);
    expect(sites.asked).toHaveLength(40);
    expect(sites.most).toBe(1);
  });

  it("waits for its turn behind pages of fetch_url", async () => {
    const sites = new Sites();
    const held = Promise.withResolvers<Response>();
    sites.answer = ({ pathname }) => (pathname === "/page" ? held.promise : new Response("ok"));
    const hosts = createHostTurns({ poll_ms: 1 });
    const [tool] = createFetchTools(readConfig({ FETCH_URL_ADDRESSES: "any" } as unknown as Env), {
      ...{ send: sites.send, hosts },
    });
    const context = { signal, takeUse: free, cache: (_: string, make: () => Promise<string>) => make() };
    const page = tool?.execute({ url: "https://a.example/page", offset: 0 }, context as never);
    const look = open(sites, {}, { hosts })("https://a.example/check");
    for (let at = 0; at < 20; at++) await macrotask();
    expect(sites.asked).toEqual(["https://a.example/page"]);
    held.reject(new Error("gone"));
    await page;
    expect(await look).toMatchObject({ ok: true });
  });

  it("is one of 16 at once and eight of a user, of however many hosts", async () => {
    const sites = new Sites();
    const held = Promise.withResolvers<void>();
    sites.answer = async () => {
      await held.promise;
      return new Response("ok");
    };
    const ask = open(sites);
    const asking = ["ann", "bob", "eve"].flatMap((user_id) =>
      Array.from({ length: 20 }, (_, at) => ask(`https://${user_id}${at}.example/`, { user_id })),
    );
    await expect.poll(() => sites.asked.length).toBe(16);
    expect(new Set(sites.asked.map((url) => url.slice(8, 11))).size).toBe(2);
    held.resolve();
    expect((await Promise.all(asking)).every(({ ok }) => ok)).toBe(true);
    expect(sites.most).toBe(16);
  });

  it("fails if the site gives no answer in time, and the next one has its turn", async () => {
    const sites = new Sites();
    sites.answer = ({ pathname }, { signal: until }) => {
      if (pathname === "/fast") return new Response("ok");
      const { promise, reject } = Promise.withResolvers<Response>();
      until?.addEventListener("abort", () => reject(until.reason));
      return promise;
    };
    const ask = open(sites, {}, { time_ms: 20 });
    const [slow, fast] = await Promise.all([ask("https://a.example/slow"), ask("https://a.example/fast")]);
    expect(slow).toEqual({
      ...{ ok: false, refused: false, message: "https://a.example/slow gave no answer within 0.02 seconds." },
    });
    expect(fast).toMatchObject({ ok: true, body: "ok" });
  });

  it.each([
    ["http://localhost/", {}],
    ["http://10.0.0.1/", { WEB_PRIVATE_ORIGINS: "http://10.0.0.1" }],
    ["http://[::1]/", {}],
    ["file:///etc/passwd", {}],
    ["no address", {}],
    ["http://a:b@a.example/", {}],
    ["https://sub.denied.example/", { WEB_DOMAINS_DENY: "denied.example" }],
    ["https://a.example/", { WEB_DOMAINS_ALLOW: "b.example" }],
    ["https://a.example/", { WEB_DOMAINS_ALLOW: "not a domain" }],
  ])("is not asked and not counted where pages may not be read: %s %o", async (address, env) => {
    const sites = new Sites();
    let counted = 0;
    const takeUse: TakeUse = async () => {
      counted += 1;
      return null;
    };
    expect(await open(sites, env)(address, { takeUse })).toMatchObject({ ok: false, refused: true });
    expect([sites.asked, counted]).toEqual([[], 0]);
  });

  it("is left alone where robots.txt is obeyed and says so", async () => {
    const sites = new Sites();
    sites.answer = ({ pathname }) =>
      pathname === "/robots.txt"
        ? new Response("User-agent: *\nDisallow: /private", { headers: { "content-type": "text/plain" } })
        : new Response("ok");
    const ask = open(sites, { FETCH_ROBOTS: "1" }, { robots: createRobots() });
    expect(await ask("https://a.example/private")).toMatchObject({ ok: false, refused: true });
    expect(await ask("https://a.example/open")).toMatchObject({ ok: true });
    expect(sites.asked).toEqual(["https://a.example/robots.txt", "https://a.example/open"]);
  });

  it("follows no redirect", async () => {
    const sites = new Sites();
    sites.answer = () => new Response(null, { status: 302, headers: { location: "https://b.example/" } });
    expect(await open(sites)("https://a.example/")).toMatchObject({ ok: true, status: 302 });
    expect(sites.asked).toEqual(["https://a.example/"]);
  });
});
