// A model that acts on the first word of what it was asked last, so that each check knows what its client must show.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { cutEnvironment } from "../../dev/model/environment.ts";
import { cutReminder } from "../../dev/model/reminder.ts";

interface SentMessage {
  role: string;
  content: unknown;
}

export interface ScriptedModel {
  baseUrl: string;
  /** Texts of the person's messages in the latest request, the oldest first. */
  readonly asked: string[];
  /** How many replies are being written now. */
  readonly writing: number;
  /** What it was asked so far does not count any more. */
  forget(): void;
  close(): Promise<void>;
}

const PLAN = { sections: [{ title: "Shop", tasks: ["Build the server", "Test the cart"] }] };

/** Long enough that a check can act in the middle: half a minute, or some seconds. */
const SLOW_PIECES = 150;
const BRIEF_PIECES = 25;
const SLOW_PIECE_MS = 200;

export async function startScriptedModel(): Promise<ScriptedModel> {
  const seen = { asked: [] as string[], writing: 0, counts: new Map<string, number>() };
  const server = createServer(async (request, response) => {
    const { messages } = JSON.parse(await readBody(request)) as { messages: SentMessage[] };
    seen.asked = messages.filter(({ role }) => role === "user").map(({ content }) => readAsked(content));
    seen.writing++;
    response.once("close", () => seen.writing--);
    response.writeHead(200, { "content-type": "text/event-stream" });
    const reply = replyTo(messages, seen.counts);
    await write(response, reply);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    get asked() {
      return seen.asked;
    },
    get writing() {
      return seen.writing;
    },
    forget: () => seen.counts.clear(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function readText(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part: { text?: string }) => part.text ?? "").join("");
}

/** What the person wrote, without what the server puts around it. */
function readAsked(content: unknown): string {
  const [text] = cutReminder(cutEnvironment("user", readText(content)));
  return text.trim();
}

type Reply = { text: string; pieces?: number } | { tool: string; args: unknown };

/** Answers a tool's result in words. The number says how often the same was asked, so that a second answer differs. */
function replyTo(messages: SentMessage[], counts: Map<string, number>): Reply {
  const last = messages.at(-1);
  if (last?.role === "tool") return { text: `The tool said: ${readText(last.content)}` };
  const asked = readAsked(messages.findLast(({ role }) => role === "user")?.content);
  const count = (counts.get(asked) ?? 0) + 1;
  counts.set(asked, count);
  if (asked.includes("colour")) return { tool: "favourite_colour", args: {} };
  if (asked.includes("plan")) return { tool: "create_tasks", args: PLAN };
  if (asked.includes("question")) return { tool: "ask", args: { question: "Which colour shall it be?" } };
  if (asked.includes("slow")) return { text: "word ", pieces: SLOW_PIECES };
  if (asked.includes("brief")) return { text: "word ", pieces: BRIEF_PIECES };
  return { text: `Reply ${count} to: ${asked}` };
}

async function write(response: ServerResponse, reply: Reply): Promise<void> {
  const send = (delta: object, finish: string | null = null): void => {
    const choices = [{ index: 0, delta, finish_reason: finish }];
    response.write(`data: ${JSON.stringify({ object: "chat.completion.chunk", choices })}\n\n`);
  };
  if ("tool" in reply) {
    const call = { name: reply.tool, arguments: JSON.stringify(reply.args) };
    send({
      tool_calls: [{ index: 0, id: `call_${crypto.randomUUID().slice(0, 8)}`, type: "function", function: call }],
    });
    send({}, "tool_calls");
  } else {
    for (let piece = 0; piece < (reply.pieces ?? 1) && !response.destroyed; piece++) {
      send({ content: reply.text });
      if (reply.pieces !== undefined) await new Promise((resolve) => setTimeout(resolve, SLOW_PIECE_MS));
    }
    send({}, "stop");
  }
  response.end("data: [DONE]\n\n");
}
