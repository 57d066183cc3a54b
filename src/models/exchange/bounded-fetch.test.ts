// What a refusal says reaches the failure, whatever its form, and no request is sent on to another server.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import type { ModelFailure, ModelRequest } from "../../agent/model.ts";
import { models } from "../index.ts";

const request: ModelRequest = { model: "m", messages: [{ role: "user", content: "hi" }], tools: [] };

async function call(base_url: string, answer?: typeof fetch) {
  const model = models.native({ api_key: "test-key-0123456789", base_url, ...(answer ? { fetch: answer } : {}) });
  return await model.stream(request, () => {}, new AbortController().signal);
}

async function failOf(body: string, init: ResponseInit): Promise<ModelFailure> {
  const outcome = await call("https://model.example/v1", async () => new Response(body, init));
  if (outcome.kind !== "failure") throw new Error(JSON.stringify(outcome));
  return outcome.failure;
}

async function serve(status: number, location: string, onRequest = () => {}): Promise<string> {
  const server = createServer((_incoming, response) => {
    onRequest();
    response.writeHead(status, { location }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

const frame = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const text = (content: string, finish_reason: string | null = null) =>
  frame({ choices: [{ delta: { content }, finish_reason }] });
const events = { headers: { "content-type": "text/event-stream" } };

it("keeps what a refusal says that is not in OpenAI's form", async () => {
  const body = JSON.stringify({ message: "Too many tokens.", type: "too_many_tokens_error", code: "x" });
  const failure = await failOf(body, { status: 429, headers: { "x-ratelimit-reset-tokens": "1m0s" } });
  expect(failure).toMatchObject({ reason: "rate_limited", retry_after_ms: 60_000 });
  expect(failure.message).toContain("Too many tokens.");
});

it("takes a gateway's timeout for a failure of the server, and keeps its words", async () => {
  const failure = await failOf("upstream request timed out", { status: 504 });
  expect(failure).toMatchObject({ reason: "server_failed", retryable: true });
  expect(failure.message).toContain("(504): upstream request timed out");
});

it("keeps the status of a refusal whose body breaks off", async () => {
  const broken = new ReadableStream({ pull: (controller) => controller.error(new Error("reset")) });
  const outcome = await call("https://model.example/v1", async () => new Response(broken, { status: 401 }));
  expect(outcome).toMatchObject({ kind: "failure", failure: { reason: "invalid_key" } });
});

it("follows no redirect, so that the key reaches no other server", async () => {
  let asked = 0;
  const elsewhere = await serve(200, "", () => asked++);
  for (const status of [301, 302, 307, 308]) {
    const outcome = await call(await serve(status, `${elsewhere}/secret-path?token=1`));
    expect(outcome).toMatchObject({ kind: "failure", failure: { retryable: false, reason: "model_not_found" } });
    const words = JSON.stringify(outcome);
    expect(words).not.toContain(new URL(elsewhere).host);
    expect(words).toMatch(/OPENAI_BASE_URL/);
    expect(words).not.toMatch(/secret-path|token/);
  }
  expect(asked).toBe(0);
});

it.each([
  ["as a JSON body", "application/json", (base: object) => JSON.stringify({ choices: null, base_resp: base })],
  ["as a chunk", "text/event-stream", (base: object) => text("half") + frame({ base_resp: base })],
])("reports a refusal inside an answer with 200, %s", async (_how, type, write) => {
  const answered = async (base: object) => await failOf(write(base), { headers: { "content-type": type } });
  const empty = await answered({ status_code: 1008, status_msg: "insufficient balance" });
  expect(empty).toMatchObject({ retryable: false, reason: "no_credit" });
  const limited = await answered({ status_code: 1002, status_msg: "rate limit" });
  expect(limited).toMatchObject({ retryable: true, reason: "rate_limited" });
});

it("accepts chunks that say that the request succeeded", async () => {
  const chunks = text("whole", "stop") + frame({ choices: [], base_resp: { status_code: 0, status_msg: "" } });
  const outcome = await call("https://model.example/v1", async () => new Response(chunks, events));
  expect(outcome).toMatchObject({ kind: "reply", reply: { text: "whole" } });
});

it("retries a call that the server could not read, refused at once or in the stream", async () => {
  const error = { message: "Failed to call a function.", type: "invalid_request_error", code: "tool_use_failed" };
  const expected = { retryable: true, reason: "broken_reply" };
  expect(await failOf(JSON.stringify({ error }), { status: 400 })).toMatchObject(expected);
  const later = `event: error\n${frame({ error: { ...error, status_code: 400 } })}`;
  expect(await failOf(later, events)).toMatchObject(expected);
});
