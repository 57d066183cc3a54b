import { describe, expect, it } from "vitest";
import { createInnerEntrypoint, createPublicEntrypoint, toPublicRequest } from "./entrypoints.ts";

const worker = {
  fetch: (request: Request) => new Response(request.url),
  queue: async () => {},
  scheduled: async () => {},
};
const none = [{}, {} as ExecutionContext] as const;

const read = (headers: Record<string, string>) =>
  toPublicRequest(new Request("http://localhost:8787/v1/threads?limit=1", { headers }));

describe("the public entrypoint", () => {
  const entrypoint = createPublicEntrypoint(worker);

  it("handles requests only: no queue job, no cron event", () => {
    expect(Object.keys(entrypoint)).toEqual(["fetch"]);
  });

  it.each([
    "localhost",
    "localhost:8787",
    "3000-shop_1.localhost:8787",
    "[::1]:8787",
    "127.0.0.1",
    "xn--fiq228c.example",
  ])("accepts the host %s", async (host) => {
    const answer = await entrypoint.fetch(new Request(`http://${host}/path`, { headers: { host } }), ...none);
    expect([answer.status, await answer.text()]).toEqual([200, `http://${host}/path`]);
  });

  it.each([
    "",
    "[",
    "[::1",
    "a b",
    "x:99999",
    "a/b",
    "%zz",
    "a@b",
    "a#b",
    "a?b",
    "a\\b",
    "127.0.0.1.1.1",
    "0x7f.1.1.1.1",
  ])("rejects the host %j before the Worker sees the request", async (host) => {
    const answer = await entrypoint.fetch(new Request("http://localhost/", { headers: { host } }), ...none);
    expect(answer.status).toBe(400);
  });

  it("uses https when a tunnel's header says so", () => {
    expect(read({ "x-forwarded-proto": "https" }).url).toBe("https://localhost:8787/v1/threads?limit=1");
    expect(read({ "x-forwarded-proto": " HTTPS , http" }).url).toMatch(/^https:/);
    for (const claim of ["http", "javascript", "httpsx", ""]) {
      expect(read({ "x-forwarded-proto": claim }).url).toBe("http://localhost:8787/v1/threads?limit=1");
    }
  });

  it("removes headers that only the network may set", () => {
    const claims = { "MF-Original-URL": "http://x/", "CF-Connecting-IP": "203.0.113.9", "CF-Ray": "1", accept: "a/b" };
    expect([...read(claims).headers]).toEqual([
      ["accept", "a/b"],
      ["cf-connecting-ip", "127.0.0.1"],
    ]);
  });
});

describe("the inner entrypoint, behind Miniflare's own socket", () => {
  it("runs the Worker's jobs and rejects every request", async () => {
    const inner = createInnerEntrypoint(worker);
    expect(inner).toMatchObject({ queue: worker.queue, scheduled: worker.scheduled });
    expect((await inner.fetch(new Request("http://localhost/healthz"))).status).toBe(404);
  });
});
