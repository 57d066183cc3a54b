import { afterEach, describe, expect, it, vi } from "vitest";
import { judgeRefusal } from "./refusals.ts";

const json = { "content-type": "application/json" };
const daytonas = (statusCode: number) =>
  JSON.stringify({ path: "/x", timestamp: "2026-11-24T10:00:00Z", statusCode, message: "Is the Sandbox started?" });

afterEach(() => void vi.useRealTimers());

describe("an answer", () => {
  it.each([
    ["that nothing listens", new Response(null, { status: 502, headers: { "content-length": "0" } }), "dead"],
    ["that the connection broke", new Response(daytonas(502), { status: 502, headers: json }), "dead"],
    ["that the sandbox has no address", new Response(daytonas(400), { status: 400, headers: json }), "way"],
    ["that the sandbox is gone", new Response(daytonas(404), { status: 404, headers: json }), "way"],
    ["that the token is an old one", new Response(daytonas(401), { status: 401, headers: json }), "way"],
    ["that it failed", new Response(daytonas(500), { status: 500, headers: json }), "way"],
    ["of a proxy that is overloaded", new Response(null, { status: 503 }), "unclear"],
    ["that wants a token", new Response("no", { status: 401 }), "unclear"],
    ["that refuses one", new Response("no", { status: 403 }), "unclear"],
  ])("%s may be of what stands before the program", async (_what, answer, kind) => {
    expect(await judgeRefusal(answer)).toBe(kind);
  });

  it.each([
    ["success", new Response(daytonas(502), { headers: json })],
    ["page that is missing", new Response("no such page", { status: 404 })],
    ["empty 404", new Response(null, { status: 404 })],
    ["JSON of its own", new Response('{"statusCode":404,"message":"Not Found"}', { status: 404, headers: json })],
    ["broken JSON", new Response('{"statusCode":', { status: 502, headers: json })],
    ["502 of its own", new Response("upstream is down", { status: 502 })],
    ["long JSON", new Response(JSON.stringify("x".repeat(5000)), { status: 502, headers: json })],
    ["failure", new Response("oh", { status: 500 })],
  ])("that is a program's %s is taken for that, and stays whole", async (_what, answer) => {
    const whole = await answer.clone().text();
    expect(await judgeRefusal(answer)).toBeNull();
    expect(await answer.text()).toBe(whole);
  });

  it("that a program never finishes is on its way to the visitor soon", async () => {
    vi.useFakeTimers();
    let source!: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        source = controller;
      },
    });
    source.enqueue(new TextEncoder().encode('{"error":'));
    const answer = new Response(body, { status: 500, headers: json });
    const judged = judgeRefusal(answer);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await judged).toBeNull();
    source.enqueue(new TextEncoder().encode("1}"));
    source.close();
    expect(await answer.text()).toBe('{"error":1}');
  });
});
