// Sends a reply as OpenAI does: chunks of one message at a model's pace, or one JSON body. Breaks off in the ways that
// a test requests, and stops at once when the client disconnects.
import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import type { Faults, Reply } from "./reply.ts";
import { cutReply, type Delta } from "./tokens.ts";
import type { ChatRequest } from "./wire.ts";

export const MODEL = "taskloom-scripted-demo";

// Shorter waits cost more than they smooth.
const MIN_WAIT_MS = 4;
// At full speed the event loop gets a turn this often, so that a disconnected client is noticed and others are served.
const TOKENS_PER_TURN = 200;
const COMMENT_MS = 400;

export interface Delivery {
  request: ChatRequest;
  reply: Reply;
  response: ServerResponse;
  /** 0 is full speed. */
  tokens_per_second: number;
  /** Aborts when the client disconnects or the server closes. */
  gone: AbortSignal;
}

export async function deliver(delivery: Delivery): Promise<void> {
  const { reply, response, gone } = delivery;
  if (reply.faults?.silent) return waitUntil(gone);
  if (reply.faults?.reset) return void response.destroy();
  if (reply.faults?.html) {
    response.writeHead(200, { "content-type": "text/html" });
    return void response.end("<!doctype html><title>Sign in</title><p>Please sign in to go on.</p>");
  }
  return delivery.request.stream ? stream(delivery) : answer(delivery);
}

interface Paced {
  delta: Delta;
  tokens: number;
}

/** The reply's pieces, each at its time, up to the token limit. */
async function* pace({ request, reply, tokens_per_second: usual, gone }: Delivery): AsyncGenerator<Paced> {
  const rate = reply.tokens_per_second ?? usual;
  const start = performance.now();
  let tokens = 0;
  for (const delta of cutReply(reply, () => `call_${randomBytes(12).toString("hex")}`)) {
    if (tokens >= request.max_tokens) return;
    if (delta.kind !== "call") tokens += 1;
    const early = rate > 0 ? start + (1000 * tokens) / rate - performance.now() : 0;
    if (early >= MIN_WAIT_MS) await wait(early, undefined, { signal: gone });
    else if (tokens % TOKENS_PER_TURN === 0) await wait(0, undefined, { signal: gone });
    yield { delta, tokens };
  }
}

interface Envelope {
  id: string;
  object: string;
  created: number;
  model: string;
  system_fingerprint: string;
}

function newEnvelope(object: string): Envelope {
  const id = `chatcmpl-${randomBytes(12).toString("hex")}`;
  return { id, object, created: Math.floor(Date.now() / 1000), model: MODEL, system_fingerprint: "scripted" };
}

function usageOf(request: ChatRequest, completion: number) {
  const characters = request.messages.reduce(
    (sum, { text, calls }) => sum + text.length + calls.reduce((all, call) => all + call.arguments.length, 0),
    0,
  );
  // Four characters a token is the usual estimate.
  const prompt = Math.ceil(characters / 4) + 4 * request.messages.length;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: 0 },
  };
}

function finishOf(delivery: Delivery, tokens: number): "stop" | "length" | "tool_calls" {
  if (tokens >= delivery.request.max_tokens) return "length";
  return (delivery.reply.calls?.length ?? 0) > 0 ? "tool_calls" : "stop";
}

async function stream(delivery: Delivery): Promise<void> {
  const { request, reply, response, gone } = delivery;
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    connection: "keep-alive",
  });
  response.flushHeaders();
  const envelope = newEnvelope("chat.completion.chunk");
  const nullUsage = request.include_usage ? { usage: null } : {};
  const sender = newSender(response, reply.faults ?? {}, gone);
  const send = (delta: object, finish: string | null = null) =>
    sender.send(
      JSON.stringify({
        ...envelope,
        choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
        ...nullUsage,
      }),
    );
  await send({ role: "assistant", content: (reply.calls?.length ?? 0) > 0 && !reply.text ? null : "" });
  if (reply.faults?.bad_json) await sender.send("{this is not json");
  if (reply.faults?.endless) await sender.sendEndlessLine();
  for (let left = reply.faults?.comments ?? 0; left > 0; left--) await sender.sendComment();
  let tokens = 0;
  if (!reply.faults?.empty) {
    for await (const paced of pace(delivery)) {
      tokens = paced.tokens;
      await send(chunkOf(paced.delta));
    }
  }
  if (reply.faults?.error) {
    await sender.send(JSON.stringify({ error: { message: "The model is overloaded.", code: 503 } }));
  }
  if (reply.faults?.error || reply.faults?.no_end) return void response.end();
  await send({}, finishOf(delivery, tokens));
  if (request.include_usage) {
    await sender.send(JSON.stringify({ ...envelope, choices: [], usage: usageOf(request, tokens) }));
  }
  await sender.send("[DONE]");
  response.end();
}

function chunkOf(delta: Delta): object {
  if (delta.kind === "text") return { content: delta.text };
  if (delta.kind === "reasoning") return { reasoning_content: delta.text };
  if (delta.kind === "arguments") {
    return { tool_calls: [{ index: delta.index, function: { arguments: delta.text } }] };
  }
  const { index, id, name } = delta;
  return { tool_calls: [{ index, id, type: "function", function: { name, arguments: "" } }] };
}

/** Writes events one after another, waits for a slow reader, and breaks off where a fault says so. */
function newSender(response: ServerResponse, faults: Faults, gone: AbortSignal) {
  let sent = 0;
  let left = faults.cut_after_bytes ?? 0;
  const cut = async (): Promise<void> => {
    response.destroy();
    gone.throwIfAborted();
    await waitUntil(gone);
  };
  const write = async (piece: string): Promise<void> => {
    if (!response.write(piece)) await untilDrained(response, gone);
  };
  /** What is written before a cut must be sent first, so each write is awaited there. */
  const writeOut = (piece: string | Buffer) => new Promise<void>((written) => response.write(piece, () => written()));
  return {
    send: async (data: string): Promise<void> => {
      gone.throwIfAborted();
      if (sent === faults.stall_after) await waitUntil(gone);
      if (sent === faults.cut_after) await cut();
      sent += 1;
      const frame = `data: ${data}\n\n`;
      if (faults.cut_after_bytes !== undefined) {
        const piece = Buffer.from(frame).subarray(0, left);
        left -= piece.length;
        if (piece.length > 0) await writeOut(piece);
        if (left === 0) await cut();
      } else if (faults.cut_after !== undefined) await writeOut(frame);
      else await write(frame);
    },
    sendComment: async (): Promise<void> => {
      await wait(COMMENT_MS, undefined, { signal: gone });
      await write(": PROCESSING\n\n");
    },
    sendEndlessLine: async (): Promise<never> => {
      await write("data: ");
      const piece = "x".repeat(64 * 1024);
      for (;;) {
        gone.throwIfAborted();
        await write(piece);
        await wait(0, undefined, { signal: gone });
      }
    },
  };
}

async function untilDrained(response: ServerResponse, gone: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = () => {
      response.off("drain", end);
      gone.removeEventListener("abort", end);
      resolve();
    };
    response.on("drain", end);
    gone.addEventListener("abort", end);
    if (gone.aborted) end();
  });
}

/** Never resolves. Rejects when the client disconnects, as all waits here do. */
function waitUntil(gone: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (gone.aborted) reject(gone.reason);
    else gone.addEventListener("abort", () => reject(gone.reason), { once: true });
  });
}

async function answer(delivery: Delivery): Promise<void> {
  const { request, reply, response, gone } = delivery;
  if (reply.faults?.stall_after !== undefined) {
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    return waitUntil(gone);
  }
  let text = "";
  let reasoning = "";
  let tokens = 0;
  const calls: { id: string; type: "function"; function: { name: string; arguments: string } }[] = [];
  if (!reply.faults?.empty) {
    for await (const paced of pace(delivery)) {
      const { delta } = paced;
      tokens = paced.tokens;
      if (delta.kind === "text") text += delta.text;
      else if (delta.kind === "reasoning") reasoning += delta.text;
      else if (delta.kind === "call")
        calls.push({ id: delta.id, type: "function", function: { name: delta.name, arguments: "" } });
      else {
        const open = calls[delta.index];
        if (open) open.function.arguments += delta.text;
      }
    }
  }
  const message = {
    role: "assistant",
    content: text || (calls.length > 0 ? null : ""),
    refusal: null,
    ...(reasoning ? { reasoning_content: reasoning } : {}),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  };
  const choices = [{ index: 0, message, logprobs: null, finish_reason: finishOf(delivery, tokens) }];
  const body = JSON.stringify({ ...newEnvelope("chat.completion"), choices, usage: usageOf(request, tokens) });
  send(delivery, body);
}

function send({ reply, response }: Delivery, body: string): void {
  const { cut_after: cutAfter, bad_json: isBadJson } = reply.faults ?? {};
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  if (cutAfter !== undefined) response.write(body.slice(0, cutAfter), () => response.destroy());
  else response.end(isBadJson ? "{this is not json".padEnd(Buffer.byteLength(body)) : body);
}
