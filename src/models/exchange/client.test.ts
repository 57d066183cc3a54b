import OpenAI from "openai";
import { describe, expect, it, vi } from "vitest";
import { Client } from "./client.ts";

interface Sent {
  url: string;
  method: string | undefined;
  headers: [string, string][];
  body: unknown;
}

function connect(Kind: typeof OpenAI | typeof Client) {
  const sent: Sent[] = [];
  const signals: (AbortSignal | null | undefined)[] = [];
  const request = (async (input, init) => {
    const headers = [...new Headers(init?.headers)].filter(([name]) => name !== "content-length");
    sent.push({ url: String(input), method: init?.method, headers, body: JSON.parse(String(init?.body)) });
    signals.push(init?.signal);
    return new Response("data: [DONE]\n\n");
  }) as typeof fetch;
  const client = new Kind({
    ...{ apiKey: "key", baseURL: "https://api.example/v1", defaultQuery: { version: "1 ü" }, maxRetries: 0 },
    ...{ adminAPIKey: null, organization: null, project: null, webhookSecret: null, logLevel: "off", fetch: request },
  });
  return { client, sent, signals };
}

const body = { model: "m", stream: true, messages: [{ role: "user", content: "你好" }] };

describe("the client of a server", () => {
  it.each([
    ["with a key", {}],
    ["without one", { Authorization: null }],
    [
      "with an operator's own headers",
      { Authorization: null, "api-key": "k", "Content-Type": "application/json; a=b" },
    ],
  ])("sends what the SDK sends, each time: %s", async (_, headers) => {
    const whole = connect(OpenAI);
    const own = connect(Client);
    for (const path of ["/chat/completions", "/responses", "/chat/completions"]) {
      await whole.client.post(path, { body, headers, stream: true }).asResponse();
      await own.client.post(path, { body: JSON.stringify(body), headers, stream: true }).asResponse();
    }
    expect(own.sent).toEqual(whole.sent);
    expect(own.sent[0]?.headers.map(([name]) => name)).not.toContain("idempotency-key");
  });

  it("sends each call with its own headers, body and signal", async () => {
    const { client, sent, signals } = connect(Client);
    const calls = [1, 2].map((number) => ({
      body: JSON.stringify({ number }),
      headers: { "x-own": String(number) },
      signal: new AbortController().signal,
    }));
    for (const call of calls) await client.post("/chat/completions", { ...call, stream: true }).asResponse();
    expect(sent.map((each) => each.body)).toEqual([{ number: 1 }, { number: 2 }]);
    expect(sent.map(({ headers }) => new Headers(headers).get("x-own"))).toEqual(["1", "2"]);
    expect(signals).toEqual(calls.map(({ signal }) => signal));
  });

  it("rejects with what the request failed with, and not with the SDK's error", async () => {
    const failed = new TypeError("fetch failed");
    const client = new Client({ apiKey: "key", maxRetries: 0, fetch: () => Promise.reject(failed) });
    await expect(client.send("/responses", { body: "{}", headers: {} })).rejects.toBe(failed);
  });

  it("sets no timer of the SDK", async () => {
    const { client } = connect(Client);
    const set = vi.spyOn(globalThis, "setTimeout");
    await client.post("/chat/completions", { body: "{}", headers: {}, stream: true }).asResponse();
    expect(set).not.toHaveBeenCalled();
    set.mockRestore();
  });
});
