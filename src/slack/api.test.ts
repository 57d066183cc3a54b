import { describe, expect, it } from "vitest";
import { createSlackCaller, type SlackAnswer } from "./api.ts";

function answeredWith(response: () => Response | Promise<Response>): Promise<SlackAnswer> {
  const send = (async () => response()) as typeof fetch;
  return createSlackCaller({ api_url: "https://slack.test/api/", token: "xoxb-secret" }, send)("chat.postMessage", {});
}

describe("a call of Slack's API", () => {
  it("sends the token in a header, nested fields as JSON, and no absent fields", async () => {
    const seen: Request[] = [];
    const send = (async (url: string, init: RequestInit) => {
      seen.push(new Request(url, init));
      return Response.json({ ok: true, ts: "1.2" });
    }) as typeof fetch;
    const call = createSlackCaller({ api_url: "https://slack.test/api/", token: "xoxb-secret" }, send);
    const blocks = [{ type: "divider" }];
    const answer = await call("chat.postMessage", { channel: "C1", blocks, thread_ts: undefined, unfurl_links: false });
    expect(answer).toEqual({ kind: "done", body: { ok: true, ts: "1.2" } });
    const [request] = seen;
    expect(request?.headers.get("authorization")).toBe("Bearer xoxb-secret");
    const form = Object.fromEntries(new URLSearchParams(await request?.text()));
    expect(form).toEqual({ channel: "C1", blocks: JSON.stringify(blocks), unfurl_links: "false" });
  });

  it.each([
    [
      "a refusal",
      () => Response.json({ ok: false, error: "not_in_channel" }),
      { kind: "refused", error: "not_in_channel" },
    ],
    [
      "a rate limit with a wait of seconds",
      () => new Response("", { status: 429, headers: { "retry-after": "7" } }),
      { kind: "later", after_ms: 7_000 },
    ],
    [
      "a rate limit with a wait of an hour",
      () => new Response("", { status: 429, headers: { "retry-after": "3600" } }),
      { kind: "later", after_ms: 3_600_000 },
    ],
    [
      "a rate limit with a wait of years",
      () => new Response("", { status: 429, headers: { "retry-after": "99999999999" } }),
      { kind: "later", after_ms: 86_400_000 },
    ],
    ["a rate limit without a wait", () => new Response("", { status: 429 }), { kind: "later", after_ms: 30_000 }],
    [
      "a rate limit with status 200",
      () => Response.json({ ok: false, error: "ratelimited" }),
      { kind: "later", after_ms: 30_000 },
    ],
    ["a failure of Slack itself", () => Response.json({ ok: false, error: "internal_error" }), { kind: "unknown" }],
    ["status 500", () => new Response("oops", { status: 500 }), { kind: "unknown" }],
    [
      "a redirect",
      () => new Response(null, { status: 302, headers: { location: "http://127.0.0.1/" } }),
      { kind: "unknown" },
    ],
    ["a body that is not JSON", () => new Response("<html>"), { kind: "unknown" }],
    ["a body that is not an object", () => Response.json(null), { kind: "unknown" }],
    ["no answer", () => Promise.reject(new TypeError("connect xoxb-secret")), { kind: "unknown" }],
  ])("reports %s by its kind, without the token", async (_name, response, expected) => {
    const answer = await answeredWith(response);
    expect(answer).toMatchObject(expected);
    expect(JSON.stringify(answer)).not.toContain("xoxb");
  });

  it("stops reading an answer that does not end", async () => {
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled += 1;
        controller.enqueue(new Uint8Array(1024 * 1024));
      },
    });
    expect(await answeredWith(() => new Response(endless))).toMatchObject({ kind: "unknown" });
    expect(pulled).toBeLessThan(10);
  });
});
