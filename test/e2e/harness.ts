// The complete server over TCP: the Worker with its assets, queue, database and objects as `npm start` serves them,
// beside the scripted model at full speed and the Daytona-compatible server. One per test file.
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startDaytona } from "../../dev/daytona/server.ts";
import { startModel } from "../../dev/model/server.ts";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import { FrameReader } from "../../src/web/client/sse.ts";
import { checkAgUi } from "../fakes/ag-ui-schemas.ts";
import { checkBlocks } from "../fakes/blocks.ts";
import { buildTestWorker } from "../setup/build.ts";
import { MANY_REQUESTS } from "../setup/many-requests.ts";
import { clientOf, type ServerClient } from "../setup/server-client.ts";
import { findTables } from "../setup/tables.ts";
import { startRuntime, type TestRuntime } from "../setup/test-runtime.ts";

const root = join(import.meta.dirname, "../..");

/** Starts the Daytona-compatible server beside it. */
export const SANDBOX_KEY = "sandbox-key";

export interface Taskloom extends ServerClient {
  url: string;
  key: string;
  /** The Worker's settings. */
  settings: Record<string, string>;
  runtime: TestRuntime;
  model: Awaited<ReturnType<typeof startModel>>;
  daytona: Awaited<ReturnType<typeof startDaytona>>;
  close(): Promise<void>;
}

/** `entry` is another module to serve in place of the usual one; `change` alters how it is run. */
export async function startTaskloom(
  own: Record<string, string> = {},
  entry?: string,
  change?: Parameters<typeof startRuntime>[3],
): Promise<Taskloom> {
  // wrangler.toml names this folder, which exists only after the page was built.
  await mkdir(join(root, "dist/web"), { recursive: true });
  const [worker, tables] = await Promise.all([buildTestWorker(entry === undefined ? {} : { entry }), findTables()]);
  const state = await mkdtemp(join(tmpdir(), "taskloom-e2e-"));
  await cp(tables, join(state, "data"), { recursive: true });
  const model = await startModel({ port: 0, tokensPerSecond: 0 });
  const daytona = await startDaytona({
    ...{ port: 0, state: join(state, "daytona"), apiKey: SANDBOX_KEY },
    privateUrlsAllowed: own.ALLOW_PRIVATE_URLS === "1",
  });
  const key = "first-key-of-the-tests";
  const settings = {
    ADMIN_API_KEY: key,
    OPENAI_API_KEY: "model-key",
    OPENAI_BASE_URL: model.baseUrl,
    OPENAI_MODEL: "taskloom-scripted-demo",
    DAYTONA_API_KEY: SANDBOX_KEY,
    DAYTONA_API_URL: daytona.apiUrl,
    STAND_INS: "model,sandbox",
    // Stream tests use threads of megabytes. A test about a model's context sets its own size.
    MODEL_CONTEXT_TOKENS: "100000000",
    QUOTAS: MANY_REQUESTS,
    // A test about pushes and links does not wait for a person; one about approvals sets its own.
    ALWAYS_APPROVE: "none",
    ...own,
  };
  const runtime = await startRuntime(worker, join(state, "data"), settings, change);
  return {
    url: runtime.url,
    key,
    settings,
    runtime,
    model,
    daytona,
    ...clientOf({ url: runtime.url, key }),
    close: async () => {
      await runtime.close();
      await daytona.close();
      await model.close();
      await rm(state, { recursive: true, force: true });
    },
  };
}

/**
 * A page behind `*.localhost`, which browsers resolve and Node does not, so it is requested at 127.0.0.1 with its host.
 */
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

/** Frames of an SSE body as they arrive; ends with the body, rejects when it is cut. */
export async function* readFrames(response: Response): AsyncGenerator<StreamFrame> {
  if (!response.ok || response.body === null) throw new Error(`no stream: ${response.status} ${await response.text()}`);
  const reader = new FrameReader();
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of response.body) {
    text += decoder.decode(bytes, { stream: true });
    checkBlocks(text);
    const end = text.lastIndexOf("\n\n");
    if (end >= 0) text = text.slice(end + 2);
    for (const { id, data } of reader.read(bytes).frames) {
      const event = JSON.parse(data) as ThreadEvent;
      checkAgUi(event);
      yield { id: id === null ? null : Number(id), event };
    }
  }
}

export async function collectFrames(response: Response): Promise<StreamFrame[]> {
  const frames: StreamFrame[] = [];
  for await (const frame of readFrames(response)) frames.push(frame);
  return frames;
}
