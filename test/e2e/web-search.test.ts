// web_search as the Worker makes it: over TCP, in a run, against the stand-in search and a strict SearXNG.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type RunningSearch, startSearch } from "../../dev/search/server.ts";
import { type SearchServer, startSearchServer } from "../contract/search/server.ts";
import { searxng } from "../contract/search/strict/searxng.ts";
import { startTaskloom, type Taskloom } from "./harness.ts";
import { type MortalTaskloom, startMortalTaskloom } from "./mortal-server.ts";

interface Message {
  type: string;
  content: { text?: string; content?: string; is_error?: boolean; tool_call_id?: string };
}

const call = (input: object) => `[[tool web_search ${JSON.stringify(input)}]]`;

async function resultsOf(taskloom: Taskloom, thread: string, message: string): Promise<string[]> {
  await taskloom.json("POST", `/v1/threads/${thread}/runs?wait=1`, { message });
  const { data } = await taskloom.json<{ data: Message[] }>("GET", `/v1/threads/${thread}/messages`);
  return data.filter(({ type }) => type === "tool").map(({ content }) => JSON.stringify(content));
}

describe("web_search with the stand-in", () => {
  let search: RunningSearch;
  let taskloom: Taskloom;

  beforeAll(async () => {
    search = await startSearch({ port: 0 });
    taskloom = await startTaskloom({ SEARXNG_URL: search.url, WEB_PRIVATE_ORIGINS: search.url });
  });
  afterAll(async () => {
    await taskloom?.close();
    await search?.close();
  });

  it("finds pages between fences, whose numbers stay theirs in the thread", async () => {
    const [first = "", second = ""] = await resultsOf(
      taskloom,
      "numbers",
      `${call({ query: "remote work survey Europe", count: 2 })}[[then]]${call({ query: "remote work meetings", count: 2 })}`,
    );
    const survey = `${search.url}/remote-work-survey-2026.html`;
    expect(first).toContain(`<web_content source=\\"[1] ${new URL(search.url).host}\\">`);
    expect(first).toContain(survey);
    const numberIn = (text: string) => /\[(\d+)\] [^<]*?remote-work-survey-2026/.exec(text)?.[1];
    expect(numberIn(first)).toMatch(/^\d$/);
    expect(numberIn(second)).toBe(numberIn(first));
  });

  it("lets the hostile page say what it wants inside of its fence only", async () => {
    const [result = ""] = await resultsOf(taskloom, "hostile", call({ query: "free report templates" }));
    expect(result).toContain("Template");
    expect((result.match(/<web_content /g) ?? []).length).toBe((result.match(/<\/web_content>/g) ?? []).length);
  });
});

describe("web_search with a strict SearXNG", () => {
  let server: SearchServer;
  let other: SearchServer;
  let taskloom: MortalTaskloom;

  beforeAll(async () => {
    [server, other] = await Promise.all([startSearchServer(searxng), startSearchServer(searxng)]);
    taskloom = await startMortalTaskloom({ SEARXNG_URL: server.url });
  });
  afterAll(async () => {
    await taskloom?.close();
    await Promise.all([server?.close(), other?.close()]);
  });
  beforeEach(() => {
    const page = { url: "https://a.example/", title: "A", passage: "12 ms" };
    Object.assign(server, { trouble: null, account: "full", pages: [page], asked: [], faults: [] });
  });

  it("pays a query once in a run, and again in the next", async () => {
    const twice = `${call({ query: "latency" })}[[then]]${call({ query: " Latency ", count: 3 })}`;
    const results = await resultsOf(taskloom, "once", twice);
    expect(results).toHaveLength(2);
    expect(results[1]).toContain("https://a.example/");
    expect(server.asked).toHaveLength(1);
    await resultsOf(taskloom, "once", call({ query: "latency" }));
    expect(server.asked).toHaveLength(2);
    expect(server.faults).toEqual([]);
  });

  it("follows no redirect, and tells the model what to do", async () => {
    server.trouble = { kind: "redirect", status: 302, location: `${other.url}/search` };
    const [result = ""] = await resultsOf(taskloom, "moved", call({ query: "latency" }));
    expect(result).toContain("does not work on this server until its operator");
    expect(other.asked).toEqual([]);
  });

  it.each([
    ["html", { kind: "html" }, "does not work on this server"],
    ["huge", { kind: "huge" }, "does not work on this server"],
    ["cut", { kind: "cut" }, "did not answer"],
    ["hangup", { kind: "hangup" }, "did not answer"],
    ["down", { kind: "status", status: 503, body: "" }, "did not answer"],
  ] as const)("knows the trouble %s in workerd too", async (name, trouble, words) => {
    server.trouble = trouble;
    const [result = ""] = await resultsOf(taskloom, `trouble-${name}`, call({ query: "latency" }));
    expect(result).toContain(words);
  });

  it("is made once more by the life after one that ended during it, and what was paid before is not paid again", async () => {
    const queries = () => server.asked.map(({ fields }) => fields.get("q"));
    const isFirst = (query: string) => queries().filter((each) => each === query).length === 1;
    server.trouble = ({ fields }) => (fields.get("q") === "held" && isFirst("held") ? { kind: "silence" } : null);
    const message = ["paid", "held", "paid"].map((query) => call({ query })).join("[[then]]");
    await taskloom.json("POST", "/v1/threads/lives/runs", { message, invocation_id: "inv_lives" });
    await expect.poll(queries).toEqual(["paid", "held"]);
    await taskloom.endLife("lives");
    const status = () => taskloom.json<{ status: string }>("GET", "/v1/threads/lives/runs/inv_lives");
    await expect.poll(async () => (await status()).status).toBe("completed");
    expect(queries()).toEqual(["paid", "held", "held"]);
  });

  it("is refused beyond the user's searches and pages of a day, with the time when they begin again, and the run continues", async () => {
    interface Quota {
      name: string;
      limit: number;
      used: number;
    }
    const read = async () => {
      const { data } = await taskloom.json<{ data: Quota[] }>("GET", "/v1/quotas");
      return data.find(({ name }) => name === "lookups_per_day");
    };
    const give = (quotas: object | null) => taskloom.json("PATCH", "/v1/users/user_first", { quotas });
    await resultsOf(taskloom, "used", call({ query: "known" }));
    const { used = 0 } = (await read()) ?? {};
    expect(used).toBeGreaterThan(0);
    await give({ lookups_per_day: used + 1 });
    const before = server.asked.length;
    const message = ["one", "two", "one", "three"].map((query) => call({ query })).join("[[then]]");
    const results = await resultsOf(taskloom, "beyond", `${message}[[then]][[text I go on.]]`);
    await give(null);
    const refused = expect.stringMatching(
      /searches and pages of this user for today.*\(the quota lookups_per_day\).*00:00 UTC, in/,
    );
    const isFound = expect.stringContaining("https://a.example/");
    expect(results).toEqual([isFound, refused, isFound, refused]);
    expect(server.asked).toHaveLength(before + 1);
    expect(await read()).toMatchObject({ used: used + 1 });
    const { data } = await taskloom.json<{ data: { status: string }[] }>("GET", "/v1/threads/beyond/runs");
    expect(data.map(({ status }) => status)).toEqual(["completed"]);
  });

  it("aborts its request when the run is cancelled", async () => {
    server.trouble = { kind: "drip" };
    await taskloom.json("POST", "/v1/threads/cancelled/runs", {
      message: call({ query: "slow" }),
      invocation_id: "inv_cancelled",
    });
    await expect.poll(() => server.asked.length).toBe(1);
    const cancelled = performance.now();
    await taskloom.json("POST", "/v1/threads/cancelled/runs/inv_cancelled/cancel", {});
    await server.abandoned;
    // By itself it would end at the limit of a service, after ten seconds.
    expect(performance.now() - cancelled).toBeLessThan(5000);
  });
});
