import { describe, expect, it } from "vitest";
import { readModelSettings } from "../config/models.ts";
import { listModels } from "./model-list.ts";

const KEY = "sk-canary-key-of-the-operator";
const HEADER = "canary-header-value";

function settingsOf(env: Record<string, unknown> = {}) {
  const MODEL_SERVERS = JSON.stringify({
    one: { base_url: "https://one.example:8443/v1?api-version=1", key: KEY, headers: { "X-Title": HEADER } },
    two: { base_url: "http://127.0.0.1:9", models: ["b", "a"] },
  });
  return readModelSettings({ OPENAI_API_KEY: KEY, OPENAI_MODEL: "one/x", OPENAI_MODELS: "m", MODEL_SERVERS, ...env });
}

/** Lists the models beside a server `one` that answers so. */
async function list(answer: (url: string, init: RequestInit) => Response | Promise<Response>, settings = settingsOf()) {
  const fetch = async (input: string | URL | Request, init?: RequestInit) => answer(String(input), init ?? {});
  return await listModels(settings, { fetch });
}

const json = (value: unknown) => new Response(JSON.stringify(value));
const idsOf = ({ data }: Awaited<ReturnType<typeof listModels>>) => data.map(({ id }) => id);

describe("the list of models", () => {
  it("has the default first, the operator's lists, and what a server says of itself, by id only", async () => {
    const asked: unknown[] = [];
    const found = await list((url, init) => {
      asked.push(url, init.redirect, new Headers(init.headers).get("authorization"), init.headers);
      return json({ data: [{ id: "y", owned_by: "acme", pricing: { prompt: "1" } }, { id: "x/z" }] });
    });
    expect(found).toEqual({
      data: [
        { id: "one/x", is_default: true },
        ...["m", "one/x/z", "one/y", "two/b", "two/a"].map((id) => ({ id, is_default: false })),
      ],
      incomplete: [],
    });
    expect(asked.slice(0, 3)).toEqual(["https://one.example:8443/v1/models?api-version=1", "manual", `Bearer ${KEY}`]);
    expect(asked[3]).toMatchObject({ "X-Title": HEADER });
  });

  it.each<[string, () => Response | Promise<Response>]>([
    ["is down", () => Promise.reject(new TypeError("connect ECONNREFUSED 10.0.0.1:80"))],
    ["refuses the key", () => new Response("no", { status: 401 })],
    ["redirects", () => new Response(null, { status: 302, headers: { location: "http://evil.example" } })],
    ["answers HTML", () => new Response("<html>", { headers: { "content-type": "text/html" } })],
    ["answers no list", () => json({ data: { id: "x" } })],
    ["answers null", () => json(null)],
    ["answers more than anybody reads", () => new Response(`[${" ".repeat(5 * 1024 * 1024)}]`)],
  ])("is whole but for a server that %s, which is named", async (_what, answer) => {
    const found = await list(answer);
    expect(found.incomplete).toEqual(["one"]);
    expect(idsOf(found)).toEqual(["one/x", "m", "two/b", "two/a"]);
  });

  it("bounds the number of a server's models", async () => {
    const found = await list(() => json({ data: Array.from({ length: 5000 }, (_, id) => ({ id: `m${id}` })) }));
    expect(found.incomplete).toEqual(["one"]);
    expect(found.data.length).toBeLessThan(1100);
  });

  it("leaves out what is no name, or would say where the server is or what opens it", async () => {
    const hidden = [
      "a b",
      "a\nb",
      "\u001b[2J",
      "a\u202eb",
      "",
      " x",
      "m".repeat(161),
      "http://evil.example/m",
      7,
      null,
    ];
    const secret = [
      `x-${KEY}`,
      encodeURIComponent(KEY).toUpperCase(),
      "ONE.example/m",
      "a.one.example:1",
      `${HEADER}!`,
    ];
    const found = await list(() => json({ data: [...hidden, ...secret, "ok"].map((id) => ({ id })) }));
    expect(idsOf(found).filter((id) => id.startsWith("one/"))).toEqual(["one/x", "one/ok"]);
    expect(found.incomplete).toEqual(["one"]);
    expect(JSON.stringify(found)).not.toMatch(/canary|example/);
  });

  it("has only what the operator allows, and the default", async () => {
    const settings = settingsOf({ OPENAI_MODELS: "gpt-5,o3", MODELS_ALLOWED: "o3,one/a*" });
    const found = await list(() => json([{ id: "ab" }, { id: "b" }, { id: "o1" }]), settings);
    expect(idsOf(found)).toEqual(["one/x", "o3", "one/ab"]);
  });

  it("leaves out a router's models whose names lead to another server", async () => {
    const settings = settingsOf({ OPENAI_MODELS: "", OPENAI_MODEL: "gpt-5" });
    const found = await list(
      (url) => json([{ id: url.includes("openai") ? "one/x" : "own" }, { id: "q/r" }]),
      settings,
    );
    expect(idsOf(found)).toEqual(["gpt-5", "q/r", "one/own", "one/q/r", "two/b", "two/a"]);
  });

  it("asks a server again after five minutes, and one that failed after half a minute", async () => {
    const settings = settingsOf();
    let at = 0;
    let asked = 0;
    let isDown = false;
    const fetch = async () => {
      asked += 1;
      return isDown ? new Response("", { status: 500 }) : json([{ id: "y" }]);
    };
    const askAfter = async (ms: number) => {
      at += ms;
      await listModels(settings, { fetch, now: () => at });
      return asked;
    };
    expect([await askAfter(0), await askAfter(299_000), await askAfter(2000)]).toEqual([1, 1, 2]);
    isDown = true;
    expect([await askAfter(301_000), await askAfter(29_000), await askAfter(2000)]).toEqual([3, 3, 4]);
  });

  it("ends with the time limit, and asks those first next time that were not reached", async () => {
    const MODEL_SERVERS = Object.fromEntries(
      Array.from({ length: 9 }, (_, n) => [`s${n}`, { base_url: `http://s${n}.example` }]),
    );
    const settings = readModelSettings({ MODEL_SERVERS });
    const asked: string[] = [];
    const fetch = (input: string | URL | Request, init?: RequestInit) => {
      asked.push(new URL(String(input)).hostname.slice(0, 2));
      return new Promise<Response>((_, reject) => {
        const fail = () => reject(new Error("aborted"));
        if (init?.signal?.aborted) fail();
        init?.signal?.addEventListener("abort", fail);
      });
    };
    const list = async (answer_ms: number, all_ms: number) => {
      asked.length = 0;
      const { incomplete } = await listModels(settings, { fetch, now: () => 0, limits: { answer_ms, all_ms } });
      expect(incomplete).toHaveLength(9);
      return asked.toSorted().join();
    };
    expect(await list(60_000, 20)).toBe("s0,s1,s2,s3,s4,s5,s6,s7,s8");
    expect(await list(20, 60_000)).toBe("s0,s1,s2,s3,s4,s5,s6,s7,s8");
    expect(await list(20, 60_000)).toBe("");
  });

  it("is empty where nothing is set up", async () => {
    expect(await listModels(readModelSettings({}))).toEqual({ data: [], incomplete: [] });
  });
});
