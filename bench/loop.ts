// An agent loop as one would write it by hand: a Durable Object that stores each message in its SQLite, calls the
// model, forwards text as it arrives, and executes tool calls. No plan, sandbox, journal, resume or database.
import { DurableObject } from "cloudflare:workers";

interface Env {
  OBJECTS: DurableObjectNamespace;
  MODEL_URL: string;
}

interface Call {
  id: string;
  type: "function";
  function: { name: string; arguments: string };
}

interface Reply {
  content: string;
  tool_calls: Call[];
}

interface Delta {
  content?: string;
  tool_calls?: { id?: string; function?: { name?: string; arguments?: string } }[];
}

const encoder = new TextEncoder();
const system = { role: "system", content: "You are a helpful assistant." };

export class Loop extends DurableObject<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS messages (seq INTEGER PRIMARY KEY, content TEXT NOT NULL)");
  }

  override async fetch(request: Request): Promise<Response> {
    const { message } = (await request.json()) as { message: string };
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    this.ctx.waitUntil(this.#run(message, writer));
    return new Response(readable, { headers: { "content-type": "text/event-stream" } });
  }

  async #run(content: string, writer: WritableStreamDefaultWriter): Promise<void> {
    this.#store({ role: "user", content });
    for (;;) {
      const reply = await this.#call(writer);
      const { tool_calls } = reply;
      this.#store({ role: "assistant", ...reply, ...(tool_calls.length === 0 ? { tool_calls: undefined } : {}) });
      if (tool_calls.length === 0) break;
      for (const { id } of tool_calls) this.#store({ role: "tool", tool_call_id: id, content: "done" });
    }
    await writer.write(frame({ type: "finished" }));
    await writer.close();
  }

  #store(message: object): void {
    this.ctx.storage.sql.exec("INSERT INTO messages (content) VALUES (?)", JSON.stringify(message));
  }

  async #call(writer: WritableStreamDefaultWriter): Promise<Reply> {
    const rows = this.ctx.storage.sql.exec<{ content: string }>("SELECT content FROM messages ORDER BY seq").toArray();
    const messages = [system, ...rows.map((row) => JSON.parse(row.content))];
    const response = await fetch(`${this.env.MODEL_URL}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "bench", stream: true, messages }),
    });
    const reply: Reply = { content: "", tool_calls: [] };
    let rest = "";
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const events = (rest + text).split("\n\n");
      rest = events.pop() ?? "";
      const frames = events.map((event) => accept(reply, event)).join("");
      if (frames !== "") await writer.write(encoder.encode(frames));
    }
    return reply;
  }
}

/** Adds an event to the reply. Returns what is sent to the client. */
function accept(reply: Reply, event: string): string {
  const data = event.slice("data: ".length);
  if (data === "[DONE]") return "";
  const delta = (JSON.parse(data) as { choices: { delta: Delta }[] }).choices[0]?.delta ?? {};
  for (const { id, function: called } of delta.tool_calls ?? []) {
    if (id !== undefined) reply.tool_calls.push({ id, type: "function", function: { name: "", arguments: "" } });
    const last = reply.tool_calls.at(-1)?.function;
    if (last === undefined) continue;
    last.name += called?.name ?? "";
    last.arguments += called?.arguments ?? "";
  }
  if (!delta.content) return "";
  reply.content += delta.content;
  return `data: ${JSON.stringify({ type: "text", delta: delta.content })}\n\n`;
}

function frame(value: object): Uint8Array {
  return encoder.encode(`data: ${JSON.stringify(value)}\n\n`);
}

export const publicEntrypoint = {
  fetch(request, env) {
    const thread = new URL(request.url).searchParams.get("thread") ?? "";
    return env.OBJECTS.get(env.OBJECTS.idFromName(thread)).fetch(request);
  },
} satisfies ExportedHandler<Env>;
