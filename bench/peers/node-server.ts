// The second peer: one process of Node with the AI SDK and SQLite, written by hand after the AI SDK's guide to message
// persistence. POST /?thread=<name> with {"message": "..."} answers with the UI message stream (server-sent events).
// A turn whose client leaves is finished and stored; a turn that the process leaves is lost.
//
// Arguments: the model's base URL, and the folder of the database.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import {
  convertToModelMessages,
  generateId,
  isStepCount,
  pipeUIMessageStreamToResponse,
  streamText,
  toUIMessageStream,
  type UIMessage,
} from "ai";
import { INSTRUCTIONS, MAX_STEPS, MODEL, MODEL_KEY, tools } from "./tools.ts";

const [modelUrl = "", folder = ""] = process.argv.slice(2);
const model = createOpenAICompatible({ name: "bench", baseURL: modelUrl, apiKey: MODEL_KEY })(MODEL);

const database = new DatabaseSync(join(folder, "threads.sqlite"));
database.exec(`
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS messages (seq INTEGER PRIMARY KEY, thread TEXT NOT NULL, content TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS messages_of_thread ON messages (thread, seq);
`);
const insert = database.prepare("INSERT INTO messages (thread, content) VALUES (?, ?)");
const select = database.prepare("SELECT content FROM messages WHERE thread = ? ORDER BY seq");

function store(thread: string, message: UIMessage): void {
  insert.run(thread, JSON.stringify(message));
}

function load(thread: string): UIMessage[] {
  return select.all(thread).map(({ content }) => JSON.parse(String(content)) as UIMessage);
}

async function answer(thread: string, text: string, response: ServerResponse): Promise<void> {
  store(thread, { id: generateId(), role: "user", parts: [{ type: "text", text }] });
  const messages = load(thread);
  const result = streamText({
    model,
    instructions: INSTRUCTIONS,
    messages: await convertToModelMessages(messages),
    tools,
    stopWhen: isStepCount(MAX_STEPS),
  });
  // Without it a client that leaves would stop the turn.
  void result.consumeStream();
  const stream = toUIMessageStream({
    stream: result.stream,
    originalMessages: messages,
    generateMessageId: generateId,
    onEnd: ({ responseMessage }) => store(thread, responseMessage),
  });
  await pipeUIMessageStreamToResponse({ response, stream });
}

async function readMessage(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return (JSON.parse(Buffer.concat(pieces).toString()) as { message: string }).message;
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const thread = new URL(request.url ?? "/", "http://localhost").searchParams.get("thread");
  if (request.method !== "POST" || thread === null) {
    response.writeHead(404).end();
    return;
  }
  await answer(thread, await readMessage(request), response);
}

const server = createServer((request, response) => {
  handle(request, response).catch((error: unknown) => {
    console.error(error);
    if (!response.headersSent) response.writeHead(500);
    response.end();
  });
});
// Connections outlive any pause of the bench: a new one would be measured as part of a turn.
server.keepAliveTimeout = 600_000;
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.send?.({ url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}` });
});
process.on("disconnect", () => {
  database.close();
  process.exit();
});
