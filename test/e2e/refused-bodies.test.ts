// A refusal comes before the body is read. Most clients read no answer before they have sent all of it: they get the
// refusal nevertheless, with its `Retry-After`, and no broken connection.
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTaskloom, type Taskloom } from "./harness.ts";

let taskloom: Taskloom;

beforeAll(async () => {
  taskloom = await startTaskloom({ QUOTAS: "requests_per_minute=0,runs_per_minute=0" });
});
afterAll(() => taskloom.close());

interface Sent {
  line: string;
  key?: string;
  bytes: number;
  is_chunked?: boolean;
}

/** Sends all of it before it reads anything, as Python's `http.client` does. */
async function sendAll(socket: Socket, { line, key = taskloom.key, bytes, is_chunked = false }: Sent): Promise<void> {
  const length = is_chunked ? "transfer-encoding: chunked" : `content-length: ${bytes}`;
  const head = [`${line} HTTP/1.1`, `host: ${new URL(taskloom.url).host}`, `authorization: Bearer ${key}`, length];
  await write(socket, `${head.join("\r\n")}\r\n\r\n`);
  for (let sent = 0; sent < bytes; sent += PART.length) {
    const part = PART.slice(0, bytes - sent);
    await write(socket, is_chunked ? `${part.length.toString(16)}\r\n${part}\r\n` : part);
  }
  if (is_chunked) await write(socket, "0\r\n\r\n");
}

const PART = "x".repeat(16_384);

function write(socket: Socket, text: string): Promise<void> {
  return new Promise((resolve, reject) => socket.write(text, (error) => (error ? reject(error) : resolve())));
}

/** The next answer up to the end of its body, whose JSON has this code. */
async function readAnswer(socket: Socket, code: string): Promise<string> {
  let text = "";
  socket.setEncoding("utf8");
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += chunk;
    if (text.includes(`"code":"${code}"`)) return text;
  }
  return text;
}

async function refusalOf(sent: Sent, code = "quota_exceeded"): Promise<string> {
  const { hostname, port } = new URL(taskloom.url);
  const socket = connect(Number(port), hostname);
  // What is written or read reports what fails.
  socket.on("error", () => {});
  try {
    await sendAll(socket, sent);
    return await readAnswer(socket, code);
  } finally {
    socket.destroy();
  }
}

const PROJECTS = "POST /v1/projects";
const RUNS = "POST /v1/threads/full/runs";
const UPLOAD = "PUT /v1/projects/p/sandbox/files/content?path=a";

describe("a client that sends its whole body before it reads", () => {
  it.each([
    { line: PROJECTS, bytes: 900_000 },
    { line: PROJECTS, bytes: 900_000, is_chunked: true },
    { line: PROJECTS, bytes: 10_000_000 },
    { line: RUNS, bytes: 900_000 },
    { line: UPLOAD, bytes: 8_000_000 },
  ])("reads 429 and when to come back: $line, $bytes bytes", async (sent) => {
    for (let count = 0; count < 5; count++) {
      const answer = await refusalOf(sent);
      expect(answer).toMatch(/^HTTP\/1\.1 429 /);
      expect(answer).toMatch(/\r\nretry-after: \d+\r\n/i);
    }
  });

  it("reads 401 where its key is wrong", async () => {
    const answer = await refusalOf({ line: PROJECTS, bytes: 900_000, key: "wrong" }, "unauthorized");
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
  });
});
