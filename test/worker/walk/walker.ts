// Sends the requests of a walk, and looks for another user's things in the answers.
import { env } from "cloudflare:test";
import { createApp } from "../../../src/app.ts";
import type { Env } from "../../../src/config.ts";
import { ofPage } from "../../fakes/session.ts";
import type { Case } from "./cases.ts";
import { type Description, type Operation, readOperations } from "./operations.ts";

const ORIGIN = "https://taskloom.test";

export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  /** Of JSON; empty for anything else. */
  body: Record<string, unknown> & { data?: Record<string, unknown>[] };
}

export interface Request {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: unknown;
}

export interface Walker {
  operations: Operation[];
  send(request: Request, key: string | null): Promise<Reply>;
  ask(asked: Case, key: string | null): Promise<Reply>;
  /** Resolves when all work behind the answers is done. */
  settled(): Promise<void>;
}

/** Reads the operations from `/openapi.json` of the app that it asks. */
export async function createWalker(settings: Partial<Env>): Promise<Walker> {
  const app = createApp();
  const behind: Promise<unknown>[] = [];
  const context = {
    waitUntil: (promise: Promise<unknown>) => void behind.push(promise.catch(() => undefined)),
    passThroughOnException: () => {},
    props: {},
  };
  const bindings = { ...(env as Env), ...settings };
  let asked = 0;
  const send: Walker["send"] = async ({ method, path, headers = {}, body }, key) => {
    const proof = key === null ? {} : proofOf(key);
    const sent = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
    asked += 1;
    // Each from another address, so that wrong keys are refused for what they are and not for their number.
    const address = { "cf-connecting-ip": `10.${asked >> 16}.${(asked >> 8) & 255}.${asked & 255}` };
    const init = {
      method,
      headers: { ...address, ...proof, ...headers },
      ...(sent === undefined ? {} : { body: sent }),
    };
    const response = await app.request(`${ORIGIN}${path}`, init, bindings, context as ExecutionContext);
    const text = await readText(response, method);
    const isJson = text !== "" && response.headers.get("content-type")?.includes("json");
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : {} };
  };
  const description = await send({ method: "GET", path: "/openapi.json" }, null);
  return {
    operations: readOperations(description.body as unknown as Description),
    send,
    ask: (asked, key) => send({ ...asked, method: asked.operation.method }, key),
    async settled() {
      while (behind.length > 0) await behind.shift();
    },
  };
}

/** In place of a key: the cookie of a session in a request of the server's own page. */
export function cookieOf(token: string): string {
  return `cookie ${token}`;
}

function proofOf(key: string): Record<string, string> {
  const [, token] = /^cookie (.*)$/.exec(key) ?? [];
  return token === undefined ? { authorization: `Bearer ${key}` } : ofPage(token, ORIGIN);
}

/** A stream that somebody watches has no end: it is read up to its first number, before which is all that there is. */
async function readText(response: Response, method: string): Promise<string> {
  const isWatched = method === "GET" && response.headers.get("content-type") === "text/event-stream";
  // `text()` warns of bytes.
  if (!isWatched) return new TextDecoder().decode(await response.arrayBuffer());
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const read = await reader?.read();
    if (read === undefined || read.done) return text;
    text += read.value;
    if (!/^id: \d+$/m.test(text)) continue;
    await reader?.cancel();
    return text;
  }
}

/** Shorter values, such as a port, say nothing about whose they are. */
export const MIN_CHARACTERS = 8;

/** What of `secrets` is in an answer, in its headers or its text, and was not in the request itself. */
export function findLeaks({ headers, text }: Reply, asked: Pick<Case, "named">, secrets: Iterable<string>): string[] {
  let answered = `${[...headers].map((header) => header.join(": ")).join("\n")}\n${text}`;
  for (const { value } of asked.named) if (value.length >= MIN_CHARACTERS) answered = answered.replaceAll(value, "");
  return [...secrets].filter((secret) => answered.includes(secret));
}
