// A model that does what the newest message asks for, so that hundreds of replies need no hand that leads them:
// `@say:2000:16:5@` replies with 2,000 pieces of 16 characters, one each 5 ms; `@read:path@` reads a file first;
// `@refuse@` is an error. It is as large as what is said to it, so it never parses a request.
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

export interface AskedModel {
  url: string;
  /** The bytes of the longest request so far. */
  readonly longest: number;
  close(): void;
}

/** Each piece differs from the others, and has a character that no Latin text has. */
function pieceOf(index: number, characters: number): string {
  return `${index} `.padEnd(characters, "长文本里的字");
}

export function replyOf(count: number, characters: number): string {
  return Array.from({ length: count }, (_, index) => pieceOf(index, characters)).join("");
}

export async function startAskedModel(): Promise<AskedModel> {
  let longest = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("error", () => {});
    response.on("error", () => {});
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      longest = Math.max(longest, body.byteLength);
      reply(body.subarray(-200_000).toString("latin1"), response).catch(() => response.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    get longest() {
      return longest;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function reply(end: string, response: ServerResponse): Promise<void> {
  const send = (delta: object, finish: string | null = null): boolean => {
    const choices = [{ index: 0, delta, finish_reason: finish }];
    return response.write(`data: ${JSON.stringify({ object: "chat.completion.chunk", choices })}\n\n`);
  };
  if (end.lastIndexOf("@refuse@") > end.lastIndexOf("@say:")) {
    response.writeHead(400, { "content-type": "application/json" });
    response.end(JSON.stringify({ error: { message: "refused", type: "invalid_request_error" } }));
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  const read = [...end.matchAll(/@read:([^@]+)@/g)].at(-1);
  const isRead = read === undefined || end.lastIndexOf('"role":"tool"') > read.index;
  const [, count = "1", characters = "16", ms = "0"] = [...end.matchAll(/@say:(\d+):(\d+):(\d+)@/g)].at(-1) ?? [];
  if (!isRead) {
    const args = JSON.stringify({ path: read[1] });
    send({
      tool_calls: [{ index: 0, id: "call-1", type: "function", function: { name: "read_file", arguments: args } }],
    });
    send({}, "tool_calls");
  } else {
    const closed = new Promise<void>((resolve) => response.once("close", () => resolve()));
    for (let index = 0; index < Number(count) && !response.destroyed; index++) {
      const isTaken = send({ content: pieceOf(index, Number(characters)) });
      if (!isTaken) await Promise.race([new Promise((done) => response.once("drain", done)), closed]);
      else if (Number(ms) > 0) await wait(Number(ms));
    }
    send({}, "stop");
  }
  response.end("data: [DONE]\n\n");
}
