// A model's server that counts what it would bill: the request of each call that it takes, and each token that it
// writes. What it says follows from how far a run has come; which call fails, and how, from a seed. It counts while the
// product's runtime is killed, so its figures are what the product's rows are compared with.
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { isRecord } from "../../../src/lib/is-record.ts";
import type { Random } from "../aims.ts";
import { pickNumber } from "../aims.ts";

/** `counted`: usage was sent, and the stream ended. `refused`: nothing is billed. */
export type CallEnding = "open" | "counted" | "refused" | "cut" | "uncounted" | "failed";

export interface BilledCall {
  run: string;
  model: string;
  input: number;
  output: number;
  /** The reply's limit as the request said it; null without one. */
  limit: number | null;
  ending: CallEnding;
  isSummary: boolean;
  /** When it came, in milliseconds since 1970. */
  at: number;
}

/** What a call may do beside a whole reply, and how often. */
const FAULTS: [ending: CallEnding, share: number][] = [
  ["refused", 0.06],
  ["failed", 0.03],
  ["cut", 0.06],
  ["uncounted", 0.05],
];

const TASKS = 4;
/** A reply is long enough to be killed in, and to fill a small window within a run. */
const WORDS = [20, 300] as const;
const WORDS_PER_SECOND = 400;
const MAX_BODY_BYTES = 4 * 1024 * 1024;

export interface CountingModel {
  baseUrl: string;
  calls: BilledCall[];
  /** Called for each request and each word; the runtime may be killed in it. */
  onMoment: (what: "asked" | "word" | "ended", run: string) => void;
  close(): Promise<void>;
}

export async function startCountingModel(random: Random): Promise<CountingModel> {
  const model: CountingModel = { baseUrl: "", calls: [], onMoment: () => {}, close: async () => {} };
  const server = http.createServer((request, response) => {
    serve(model, random, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  model.baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  model.close = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return model;
}

interface Asked {
  run: string;
  model: string;
  isSummary: boolean;
  input: number;
  limit: number | null;
  /** The task that is due, or `none`; null where there is no plan. */
  due: string | null;
}

async function serve(
  model: CountingModel,
  random: Random,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const asked = readAsked(JSON.parse(await readBody(request)));
  model.onMoment("asked", asked.run);
  const ending = pickEnding(random);
  const { run, model: name, limit, isSummary } = asked;
  const known = { run, model: name, input: asked.input, limit, isSummary };
  const call: BilledCall = { ...known, output: 0, ending: "open", at: Date.now() };
  model.calls.push(call);
  if (ending === "refused") {
    call.input = 0;
    call.ending = ending;
    const status = random() < 0.5 ? 429 : 503;
    response.writeHead(status, { "content-type": "application/json", "retry-after": "0" });
    return void response.end(JSON.stringify({ error: { message: "Too many requests right now." } }));
  }
  if (ending === "failed") {
    // A gateway that gave up while the model continued.
    call.ending = ending;
    response.writeHead(502, { "content-type": "application/json" });
    return void response.end(JSON.stringify({ error: { message: "Bad gateway." } }));
  }
  await speak(model, random, asked, call, ending, response);
  model.onMoment("ended", run);
}

function pickEnding(random: Random): CallEnding {
  let left = random();
  for (const [ending, share] of FAULTS) {
    if (left < share) return ending;
    left -= share;
  }
  return "counted";
}

async function speak(
  model: CountingModel,
  random: Random,
  asked: Asked,
  call: BilledCall,
  ending: CallEnding,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.flushHeaders();
  const send = (chunk: object) => {
    if (!response.destroyed)
      response.write(`data: ${JSON.stringify({ object: "chat.completion.chunk", ...chunk })}\n\n`);
  };
  const say = (delta: object, finish_reason: string | null = null) =>
    send({ choices: [{ index: 0, delta, finish_reason }] });
  const calls = asked.isSummary ? [] : callsOf(asked, random);
  const words = pickNumber(random, ...WORDS);
  const most = asked.limit ?? Number.POSITIVE_INFINITY;
  const cutAt = ending === "cut" ? pickNumber(random, 0, words) : Number.POSITIVE_INFINITY;
  for (let word = 0; word < words && call.output < most; word++) {
    if (word >= cutAt) break;
    call.output += 1;
    // So that a summary, which has replies and not the message, can be told apart.
    say({ content: word === 0 ? `budget ${asked.run}: ` : `w${word % 10} ` });
    model.onMoment("word", asked.run);
    await wait(1000 / WORDS_PER_SECOND, undefined, { signal: gone.signal }).catch(() => {});
    if (gone.signal.aborted) break;
  }
  if (gone.signal.aborted || ending === "cut") {
    call.ending = "cut";
    return void response.destroy();
  }
  const cost = calls.length * 20;
  const isWhole = call.output + cost <= most;
  if (isWhole) {
    call.output += cost;
    for (const [index, each] of calls.entries()) say({ tool_calls: [{ index, type: "function", ...each }] });
  } else call.output = Math.min(most, call.output + cost);
  say({}, isWhole ? (calls.length > 0 ? "tool_calls" : "stop") : "length");
  if (ending === "counted") {
    const { input: prompt_tokens, output: completion_tokens } = call;
    send({ choices: [], usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens } });
  }
  // Before the end is sent: whoever has read it may be compared with these figures.
  call.ending = ending;
  if (response.destroyed) call.ending = "cut";
  else response.end("data: [DONE]\n\n");
}

function callsOf({ run, due }: Asked, random: Random): object[] {
  const id = () => `call_${Math.floor(random() * 1e9).toString(36)}${Math.floor(random() * 1e9).toString(36)}`;
  const use = (name: string, input: object) => [{ id: id(), function: { name, arguments: JSON.stringify(input) } }];
  if (due === null) {
    const tasks = Array.from({ length: TASKS }, (_, place) => `Do part ${place + 1} of budget ${run}: the work`);
    return use("create_tasks", { sections: [{ title: "Work", tasks }] });
  }
  return due === "none" ? [] : use("update_tasks", { task_ids: [due], status: "completed" });
}

/** Four characters a token, as a rule of thumb; the product must find its own bound above it. */
function readAsked(body: unknown): Asked {
  if (!isRecord(body) || !Array.isArray(body.messages)) throw new Error("no chat request");
  const text = JSON.stringify([body.messages, body.tools ?? []]);
  const limit = [body.max_completion_tokens, body.max_tokens].find((value) => typeof value === "number") ?? null;
  // The system prompt speaks of reminders, too.
  const said = JSON.stringify(body.messages.slice(1)).replaceAll("\\", "");
  const isSummary = !Array.isArray(body.tools) || body.tools.length === 0;
  return {
    // A summary has no message of the run, and a fallback another model.
    run: /^first-(\w+)$/.exec(String(body.model))?.[1] ?? /budget ([a-z0-9]+):/.exec(text)?.[1] ?? "",
    model: String(body.model),
    isSummary,
    input: Math.ceil(text.length / 4),
    limit: limit as number | null,
    due: readDue(said),
  };
}

/** The reminder at the end of a request says how far the plan is. Null: there is none yet. */
function readDue(text: string): string | "none" | null {
  const at = text.lastIndexOf("<plan_reminder>");
  if (at < 0) return null;
  return /update_tasks with \{[^}]*?(task_\d+)/.exec(text.slice(at))?.[1] ?? "none";
}

async function readBody(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request) {
    bytes += (piece as Buffer).length;
    if (bytes > MAX_BODY_BYTES) throw new Error("a body of more than 4 MiB");
    pieces.push(piece as Buffer);
  }
  return Buffer.concat(pieces).toString("utf8");
}
