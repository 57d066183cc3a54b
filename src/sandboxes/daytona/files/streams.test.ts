// Uploads and archives with a daemon that behaves as the real one: it writes a file in place while it arrives, and
// keeps the part that arrived of an interrupted one.
import { execFile } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { defaultLimits } from "../client/limits.ts";
import { Toolbox } from "../client/toolbox.ts";
import { DaytonaFiles } from "./files.ts";
import type { FilePorts } from "./scripts.ts";

let folder: string;
let server: Server;
let files: DaytonaFiles;
/** Changes an upload's bytes before the daemon stores them. */
let spoil: (bytes: Buffer) => Buffer;
/** Why the daemon refuses an upload. */
let refusal = "";
const never = new AbortController().signal;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskloom-streams-"));
  spoil = (bytes) => bytes;
  refusal = "";
  server = createServer((request, response) => void serve(request, response).catch(() => response.destroy()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const sandbox = {
    id: "box",
    toolboxProxyUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    getWorkDir: async () => folder,
    getUserHomeDir: async () => "/root",
  };
  const connection = { call: (work: (known: unknown) => Promise<unknown>) => work(sandbox) };
  const toolbox = new Toolbox("key-of-the-test");
  const ports = { connection, toolbox, limits: defaultLimits } as unknown as FilePorts;
  files = new DaytonaFiles(ports, { isConfined: true });
});

afterEach(async () => {
  vi.restoreAllMocks();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "", "http://daemon");
  if (url.pathname.endsWith("/execute")) {
    const { command } = JSON.parse(await readText(request)) as { command: string };
    const answer = await new Promise((resolve) =>
      execFile("sh", ["-c", command], (error, stdout, stderr) =>
        resolve({ exitCode: Number(error?.code ?? 0), result: stdout + stderr }),
      ),
    );
    response.end(JSON.stringify(answer));
  } else if (url.pathname.endsWith("/bulk-upload")) {
    await receive(request);
    response.statusCode = refusal === "" ? 200 : 400;
    response.end(JSON.stringify({ errors: refusal === "" ? [] : [`${folder}/.taskloom-upload-1: ${refusal}`] }));
  } else {
    const path = url.searchParams.get("path") ?? "";
    const bytes = await readFile(path);
    // Waits until the client, which has the headers, has unlinked the file.
    response.writeHead(200, { "content-length": bytes.length }).flushHeaders();
    while (await stat(path).catch(() => null)) await new Promise((resolve) => setImmediate(resolve));
    response.end(bytes);
  }
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of request.setEncoding("utf8")) text += piece;
  return text;
}

async function receive(request: IncomingMessage): Promise<void> {
  const [, boundary = ""] = /boundary=(\S+)/.exec(request.headers["content-type"] ?? "") ?? [];
  let head = "";
  await pipeline(
    request,
    async function* (pieces) {
      for await (const piece of pieces) {
        const bytes = piece as Buffer;
        if (head.split("\r\n\r\n").length < 3) {
          head += bytes.toString("latin1");
          continue;
        }
        const end = bytes.indexOf(`\r\n--${boundary}`);
        if (bytes.length > 0) yield spoil(end === -1 ? bytes : bytes.subarray(0, end));
      }
    },
    async (pieces) => {
      let file: ReturnType<typeof createWriteStream> | null = null;
      for await (const piece of pieces) {
        file ??= createWriteStream(/path"\r\n\r\n(.*)\r\n/.exec(head)?.[1] ?? "");
        file.write(piece);
      }
      await new Promise<void>((resolve) => (file ? file.end(resolve) : resolve()));
    },
  );
}

/** Sends the pieces, waits until the daemon has stored something, and then ends or fails. */
function sendPieces(pieces: string[], failure?: Error): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let next = 0;
  return new ReadableStream({
    async pull(controller) {
      const piece = pieces[next++];
      if (piece !== undefined) return controller.enqueue(encoder.encode(piece));
      while (!(await readdir(folder)).some((name) => name.startsWith(".taskloom-upload-")))
        await new Promise((resolve) => setImmediate(resolve));
      if (failure) controller.error(failure);
      else controller.close();
    },
  });
}

const write = (content: ReadableStream<Uint8Array>, limit_bytes = 1000) =>
  files.upload("a.txt", { content, limit_bytes }, never);

describe("an upload to a daemon that writes files in place", () => {
  it("replaces the old file only when it is complete, and keeps its mode", async () => {
    await writeFile(join(folder, "a.txt"), "old", { mode: 0o755 });
    const { file, is_new } = await write(sendPieces(["new", " file"]));
    expect({ ...file, is_new }).toMatchObject({ path: "a.txt", size: 8, is_new: false });
    expect(await readFile(join(folder, "a.txt"), "utf8")).toBe("new file");
    expect((await stat(join(folder, "a.txt"))).mode & 0o777).toBe(0o755);
    expect(await readdir(folder)).toEqual(["a.txt"]);
  });

  it("leaves the old file and no temporary file if it breaks or grows too large", async () => {
    await writeFile(join(folder, "a.txt"), "old");
    await expect(write(sendPieces(["half", " of"], new Error("connection lost")))).rejects.toMatchObject({
      code: "invalid",
    });
    await expect(write(sendPieces(["x".repeat(600), "y".repeat(600)]))).rejects.toMatchObject({ code: "too_large" });
    expect(await readFile(join(folder, "a.txt"), "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["a.txt"]);
  });

  it.each([
    ["grows too large", sendPieces(["x".repeat(600), "y".repeat(600)]), "too_large"],
    ["breaks", new ReadableStream({ pull: (controller) => controller.error(new Error("connection lost")) }), "invalid"],
  ])("that %s aborts its request instead of failing the request's body", async (_what, content, code) => {
    const send = globalThis.fetch;
    const ends: string[] = [];
    vi.spyOn(globalThis, "fetch").mockImplementation(async (url, init) => {
      if (!(init?.body instanceof ReadableStream)) return send(url, init);
      const body = init.body.getReader();
      init.signal?.addEventListener("abort", () => {
        ends.push("aborted");
        void body.cancel();
      });
      for (;;) {
        const { done } = await body.read().catch(() => ({ done: ends.push("failed") > 0 }));
        if (done) throw new TypeError("fetch failed");
      }
    });
    await expect(write(content)).rejects.toMatchObject({ code });
    expect(ends).toEqual(["aborted"]);
  });

  it("fails if bytes are missing, although the daemon reports success", async () => {
    spoil = (bytes) => bytes.subarray(1);
    await expect(write(sendPieces(["some", " bytes"]))).rejects.toMatchObject({
      code: "failed",
      message: expect.stringMatching(/\d+ of 10 bytes/),
    });
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("an archive", () => {
  it("is readable after its temporary file is unlinked", async () => {
    await writeFile(join(folder, "a.txt"), "text");
    const { name, size, body } = await files.openArchive("", never);
    const bytes = Buffer.from(await new Response(body).arrayBuffer());
    expect(name).toBe(`${folder.split("/").at(-1)}.tar.gz`);
    expect(bytes.length).toBe(size);
    expect(bytes.subarray(0, 2).toString("hex")).toBe("1f8b");
  });
});

it("an upload to a full disk or without permission fails with the caller's path, not the temporary file's", async () => {
  refusal = "write: no space left on device";
  await expect(write(sendPieces(["x"]))).rejects.toMatchObject({
    code: "failed",
    message: expect.stringMatching(/^a\.txt: .*full/),
  });
  refusal = "open: permission denied";
  await expect(write(sendPieces(["x"]))).rejects.toMatchObject({
    code: "refused",
    message: expect.stringMatching(/^a\.txt: .*written to/),
  });
});
