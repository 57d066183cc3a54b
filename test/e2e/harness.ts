// The whole server over TCP: the Worker with its assets, queue, database and objects as wrangler serves them, beside the
// scripted model at full speed and the Daytona-compatible server. One per test file.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestHarness, type TestHarness } from "wrangler";
import { startDaytona } from "../../dev/daytona/server.ts";
import { startModel } from "../../dev/model/server.ts";
import type { ThreadEvent } from "../../src/protocol/event.ts";

const root = join(import.meta.dirname, "../..");

/** Opens the Daytona-compatible server beside it. */
export const SANDBOX_KEY = "sandbox-key";

export interface Taskloom {
  url: string;
  key: string;
  server: TestHarness;
  model: Awaited<ReturnType<typeof startModel>>;
  daytona: Awaited<ReturnType<typeof startDaytona>>;
  /** A request with the key; `body` is sent as JSON. */
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  /** The same, answered as JSON; throws where the status is not 2xx. */
  json<T>(method: string, path: string, body?: unknown): Promise<T>;
  close(): Promise<void>;
}

export async function startTaskloom(settings: Record<string, string> = {}): Promise<Taskloom> {
  await mkdir(join(root, "dist/web"), { recursive: true });
  const state = await mkdtemp(join(tmpdir(), "taskloom-e2e-"));
  const model = await startModel({ port: 0, tokensPerSecond: 0 });
  const daytona = await startDaytona({ port: 0, state, apiKey: SANDBOX_KEY });
  const key = "first-key-of-the-tests";
  const server = createTestHarness({
    workers: [
      {
        configPath: join(root, "wrangler.toml"),
        secrets: {
          ADMIN_API_KEY: key,
          OPENAI_API_KEY: "model-key",
          OPENAI_BASE_URL: model.baseUrl,
          OPENAI_MODEL: "taskloom-scripted-demo",
          DAYTONA_API_KEY: SANDBOX_KEY,
          DAYTONA_API_URL: daytona.apiUrl,
          STAND_INS: "model,sandbox",
          // Threads of megabytes are what streams are tried with; a test about what a model reads sets its own.
          MODEL_CONTEXT_TOKENS: "100000000",
          ...settings,
        },
      },
    ],
  });
  const { url } = await server.listen();
  await server.getWorker<{ DB: D1Database }>().applyD1Migrations("DB");
  const base = url.origin;
  const request: Taskloom["request"] = (method, path, body, headers = {}) =>
    fetch(base + path, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return {
    url: base,
    key,
    server,
    model,
    daytona,
    request,
    json: async (method, path, body) => {
      const response = await request(method, path, body);
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
      return (await response.json()) as never;
    },
    close: async () => {
      await server.close();
      await daytona.close();
      await model.close();
      await rm(state, { recursive: true, force: true });
    },
  };
}

/** A page behind `*.localhost`, which browsers resolve and Node does not: asked for at 127.0.0.1 with its host. */
export function openPreview(link: string): Promise<{ status: number; text: string }> {
  const { hostname, port, pathname, search } = new URL(link);
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path: pathname + search, headers: { host: `${hostname}:${port}` } };
    get(options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (piece: string) => {
        text += piece;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    }).on("error", reject);
  });
}

export interface StreamFrame {
  id: number | null;
  event: ThreadEvent;
}

/** Frames of an SSE body as they come; ends when the body does, rejects when it is cut. */
export async function* readFrames(response: Response): AsyncGenerator<StreamFrame> {
  if (!response.ok || response.body === null) throw new Error(`no stream: ${response.status} ${await response.text()}`);
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of response.body) {
    rest += decoder.decode(bytes, { stream: true });
    const frames = rest.split("\n\n");
    rest = frames.pop() ?? "";
    for (const frame of frames) {
      const data = frame.split("\n").find((line) => line.startsWith("data: "));
      if (data === undefined) continue;
      const id = frame.split("\n").find((line) => line.startsWith("id: "));
      yield { id: id === undefined ? null : Number(id.slice(4)), event: JSON.parse(data.slice(6)) };
    }
  }
}

export async function collectFrames(response: Response): Promise<StreamFrame[]> {
  const frames: StreamFrame[] = [];
  for await (const frame of readFrames(response)) frames.push(frame);
  return frames;
}
