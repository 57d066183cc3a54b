// A short conversation with a model, as it went over the wire: what was sent, accepted and streamed back. Transcripts of
// real providers belong to the laboratory of wires (test/contract/models/transcripts), where later versions must still
// understand the replies and send the same messages back. Whoever has a key can add one: `npm run eval -- --record`.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import type { ModelMessage } from "../../src/agent/model.ts";
import { callWithRetry } from "../../src/agent/reply/call.ts";
import type { Setup } from "./ask-model.ts";

const exchange = z.strictObject({
  /** The system prompt and the tools are left out: they are ours, and long. */
  request: z.strictObject({
    fields: z.record(z.string(), z.unknown()),
    /** Of the Responses API, its items. */
    messages: z.array(z.record(z.string(), z.unknown())),
  }),
  status: z.int(),
  content_type: z.string(),
  body: z.string(),
});
export type Exchange = z.infer<typeof exchange>;

export const transcript = z.strictObject({
  /** A strict server's transcript shows that the path works, and says nothing of the provider. */
  made: z.enum(["by a model", "by a strict server"]),
  base_url: z.string(),
  model: z.string(),
  profile: z.string().nullable(),
  recorded_at: z.string(),
  exchanges: z.array(exchange).min(1),
});
export type Transcript = z.infer<typeof transcript>;

/** A plan, calls, their results and an answer: what a provider wants back shows within these. */
const MAX_STEPS = 4;
const REQUEST = "Plan a small online shop in two tasks, call view_tasks, then say in one sentence that you are ready.";
/** Enough for any reply to a request of one sentence. */
const MAX_BODY_CHARACTERS = 2 * 1024 * 1024;

/** Talks with the model until it answers without a call. Every tool returns the same. */
export async function converse(
  { model, name, system, tools }: Pick<Setup, "model" | "name" | "system" | "tools">,
  signal: AbortSignal,
): Promise<ModelMessage[]> {
  const messages: ModelMessage[] = [
    { role: "system", content: system },
    { role: "user", content: REQUEST },
  ];
  let ids = 0;
  const used = new Set<string>();
  for (let step = 0; step < MAX_STEPS; step++) {
    const ports = {
      model,
      onDelta: () => {},
      newMessageId: () => `msg_${ids++}`,
      sleep: (ms: number, ended: AbortSignal) => wait(ms, undefined, { signal: ended }).catch(() => {}),
      signal,
    };
    const outcome = await callWithRetry({ model: name, messages: [...messages], tools }, ports, used);
    if (outcome.kind === "cancelled") return messages;
    if (outcome.kind !== "message") throw new Error(`the conversation to record failed: ${outcome.error.message}`);
    const { message, extras } = outcome.called;
    messages.push(extras === undefined ? message : { ...message, extras });
    for (const { id } of message.tool_calls ?? []) messages.push({ role: "tool", tool_call_id: id, content: "ok" });
    if (!message.tool_calls) break;
  }
  return messages;
}

/** A `fetch` that keeps what it carries, without secrets and without our own prompt. */
export function recordFetch(
  inner: typeof fetch,
  secrets: readonly string[],
): { fetch: typeof fetch; exchanges: Exchange[] } {
  const exchanges: Exchange[] = [];
  return {
    exchanges,
    fetch: async (input, init) => {
      const response = await inner(input, init);
      const body = await response.text();
      if (body.length > MAX_BODY_CHARACTERS) throw new Error("a reply is too long to be recorded");
      const content_type = response.headers.get("content-type") ?? "";
      exchanges.push({
        request: readRequest(withoutSecrets(String(init?.body ?? "{}"), secrets)),
        status: response.status,
        content_type,
        body: withoutSecrets(body, secrets),
      });
      return new Response(body, { status: response.status, headers: response.headers });
    },
  };
}

/** Only the secrets themselves: anything more could break the JSON. */
function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= 8)
    .reduce((left, secret) => left.replaceAll(secret, "[key]"), text);
}

function readRequest(text: string): Exchange["request"] {
  const { messages, input, tools: _, ...fields } = JSON.parse(text) as Record<string, unknown>;
  const sent = ((messages ?? input ?? []) as Record<string, unknown>[]).filter(({ role }) => role !== "system");
  return { fields, messages: sent };
}

export async function writeTranscript(path: string, written: Transcript): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify(written, null, 2)}\n`);
}

export async function readTranscript(path: string): Promise<Transcript> {
  return transcript.parse(JSON.parse(await readFile(path, "utf8")));
}
