// The floor: a good hand-written agent loop in a Durable Object. It stores each message in its
// SQLite, asks the model, forwards text as it arrives, and executes tool calls. It has no plan, sandbox, journal, resume
// or database. What makes it fast, and what the product is held against: one parse and at most one write for each network
// read, statements that SQLite has prepared, and a request whose messages are kept as text and never parsed again.
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
const system = JSON.stringify({ role: "system", content: "You are a helpful assistant." });
const finished = `data: ${JSON.stringify({ type: "finished" })}\n\n`;

// Several times what the model sends before the object reads again.
const READ_BYTES = 64 * 1024;

// A write costs workerd some 40 µs however short it is, and a network read is seldom more than one token. Text that comes
// sooner after a write waits for the rest of this time, which is also the product's: neither buys CPU with delay.
const JOIN_MS = 16;

export class Loop extends DurableObject<Env> {
  /** The messages of a request, each as JSON, joined by commas. */
  #messages = system;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { sql } = ctx.storage;
    sql.exec("CREATE TABLE IF NOT EXISTS messages (seq INTEGER PRIMARY KEY, content TEXT NOT NULL)");
    const rows = sql.exec<{ content: string }>("SELECT content FROM messages ORDER BY seq").toArray();
    for (const { content } of rows) this.#messages += `,${content}`;
  }

  override async fetch(request: Request): Promise<Response> {
    const { message } = (await request.json()) as { message: string };
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    this.ctx.waitUntil(this.#run(message, writer).catch((error) => writer.abort(error)));
    return new Response(readable, { headers: { "content-type": "text/event-stream" } });
  }

  async #run(content: string, writer: WritableStreamDefaultWriter): Promise<void> {
    this.#store({ role: "user", content });
    const output = createOutput(writer);
    for (;;) {
      const { content, tool_calls } = await this.#call(output);
      this.#store({ role: "assistant", content, ...(tool_calls.length === 0 ? {} : { tool_calls }) });
      if (tool_calls.length === 0) break;
      for (const { id } of tool_calls) this.#store({ role: "tool", tool_call_id: id, content: "done" });
    }
    output.add(finished);
    await output.finish();
    await writer.close();
  }

  /** The platform keeps a statement prepared for as long as its text is the same. */
  #store(message: object): void {
    const text = JSON.stringify(message);
    this.ctx.storage.sql.exec("INSERT INTO messages (content) VALUES (?)", text);
    this.#messages += `,${text}`;
  }

  async #call(output: Output): Promise<Reply> {
    const response = await fetch(`${this.env.MODEL_URL}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: `{"model":"bench","stream":true,"messages":[${this.#messages}]}`,
    });
    const reply: Reply = { content: "", tool_calls: [] };
    const decoder = new TextDecoder();
    const reader = response.body?.getReader({ mode: "byob" });
    let buffer: ArrayBufferLike = new ArrayBuffer(READ_BYTES);
    let rest = "";
    for (;;) {
      const read: ReadableStreamReadResult<Uint8Array> | undefined = await reader?.read(new Uint8Array(buffer));
      if (read?.value === undefined || read.done) break;
      buffer = read.value.buffer;
      const text = rest + decoder.decode(read.value, { stream: true });
      const end = text.lastIndexOf("\n\n");
      rest = end < 0 ? text : text.slice(end + 2);
      if (end >= 0) output.add(accept(reply, text.slice(0, end)));
    }
    return reply;
  }
}

interface Output {
  add(frame: string): void;
  finish(): Promise<void>;
}

/** Writes a frame at once, or with those that follow it where one was written a moment ago. */
function createOutput(writer: WritableStreamDefaultWriter): Output {
  let waiting = "";
  let written_at = 0;
  let timer: ReturnType<typeof setTimeout> | null = null;
  const write = async (): Promise<void> => {
    const frames = waiting;
    waiting = "";
    timer = null;
    written_at = Date.now();
    if (frames !== "") await writer.write(encoder.encode(frames));
  };
  // A failed write shows again at the end of the stream.
  const writeSoon = (): void => void write().catch(() => {});
  return {
    add(frame) {
      waiting += frame;
      if (waiting === "" || timer !== null) return;
      const wait = written_at + JOIN_MS - Date.now();
      if (wait <= 0) writeSoon();
      else timer = setTimeout(writeSoon, wait);
    },
    async finish() {
      if (timer !== null) clearTimeout(timer);
      await write();
    },
  };
}

/** Adds whole events to the reply, parsed as one array. Returns the frame that is sent to the client. */
function accept(reply: Reply, events: string): string {
  const data = events.slice("data: ".length).replace("\n\ndata: [DONE]", "");
  if (data === "[DONE]") return "";
  const chunks = JSON.parse(`[${data.replaceAll("\n\ndata: ", ",")}]`) as { choices: { delta: Delta }[] }[];
  let text = "";
  for (const { choices } of chunks) {
    const delta = choices[0]?.delta;
    if (delta?.content) text += delta.content;
    if (delta?.tool_calls !== undefined) acceptCalls(reply.tool_calls, delta.tool_calls);
  }
  reply.content += text;
  return text === "" ? "" : `data: ${JSON.stringify({ type: "text", delta: text })}\n\n`;
}

function acceptCalls(calls: Call[], deltas: NonNullable<Delta["tool_calls"]>): void {
  for (const { id, function: called } of deltas) {
    if (id !== undefined) calls.push({ id, type: "function", function: { name: "", arguments: "" } });
    const last = calls.at(-1)?.function;
    if (last === undefined) continue;
    last.name += called?.name ?? "";
    last.arguments += called?.arguments ?? "";
  }
}

export const publicEntrypoint = {
  fetch(request, env) {
    const thread = new URL(request.url).searchParams.get("thread") ?? "";
    return env.OBJECTS.get(env.OBJECTS.idFromName(thread)).fetch(request);
  },
} satisfies ExportedHandler<Env>;
