// The product in one workerd whose heap is limited as an isolate's is on the platform, with what it needs beside it, each
// in a process of its own. V8 ends the process where the heap is full, and with it all of its objects.
import { createServer } from "node:net";
import { join } from "node:path";
import { bundleWorker } from "../../../bench/processes/bundle.ts";
import { readMemoryKib } from "../../../bench/processes/process-usage.ts";
import { startProgram } from "../../../bench/processes/programs.ts";
import { startWorker } from "../../../bench/processes/workerd.ts";
import { startDatabase } from "../../../bench/targets/d1.ts";
import { describeProduct } from "../../../bench/targets/servers.ts";
import { API_KEY } from "../../../bench/targets/targets.ts";
import { clientOf, type ServerClient } from "../../setup/server-client.ts";
import { type AskedModel, startAskedModel } from "./model.ts";

export interface MemoryStage extends ServerClient {
  url: string;
  key: string;
  /** For clients that read nothing: the kernel holds some 200 KB for one, where it holds megabytes over TCP. */
  unix_socket: string;
  model: AskedModel;
  /**
   * Of the runtime, in MiB: the most that its heap held, with what is not collected yet, its buffers outside of the heap,
   * both at one moment, and its process now.
   */
  memory(): { heap: number; outside: number; both: number; process: number | null };

  close(): Promise<void>;
}

const root = join(import.meta.dirname, "../../..");
const MIB = 1024 * 1024;
const ENCRYPTION_KEY = Buffer.alloc(32, 1).toString("base64");

export async function openMemoryStage(folder: string, heap_mib: number): Promise<MemoryStage> {
  const [product, database, model, sandboxes, inspector] = await Promise.all([
    bundleWorker("src/index.ts", join(folder, "product")),
    startDatabase(root, join(folder, "d1")),
    startAskedModel(),
    startProgram("daytona.ts", 1, [API_KEY]),
    findPort(),
  ]);
  const description = describeProduct({ product, model: model.url, d1: database.url });
  const unix_socket = join(folder, "unix");
  const vars = {
    ...description.vars,
    // The largest that the settings accept.
    MODEL_CONTEXT_TOKENS: "100000000",
    DAYTONA_API_URL: String(sandboxes.said.api_url),
    DAYTONA_API_KEY: API_KEY,
    ENCRYPTION_KEY,
  };
  const limits = { heap_mib, inspector: `127.0.0.1:${inspector}`, unix_socket };
  const server = await startWorker({ ...description, vars, ...limits }, join(folder, "server"), 0);
  const usage = await watchHeap(`http://127.0.0.1:${inspector}`);
  const { url } = server;
  const key = API_KEY;
  return {
    ...clientOf({ url, key }),
    ...{ url, key, unix_socket, model },
    memory: () => {
      const kib = readMemoryKib(server.pid, "now");
      return { ...usage.peak, process: kib === null ? null : Math.round(kib / 1024) };
    },
    async close() {
      usage.close();
      model.close();
      await Promise.all([server.stop(), database.stop(), sandboxes.program.stop()]);
    },
  };
}

interface HeapUsage {
  usedSize: number;
  backingStorageSize: number;
}

const POLL_MS = 100;

async function watchHeap(inspector: string) {
  const targets = (await (await fetch(`${inspector}/json`)).json()) as { webSocketDebuggerUrl: string }[];
  const address = targets[0]?.webSocketDebuggerUrl;
  if (address === undefined) throw new Error("the inspector has no target");
  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve, { once: true });
    socket.addEventListener("error", reject, { once: true });
  });
  const peak = { heap: 0, outside: 0, both: 0 };
  socket.addEventListener("message", ({ data }) => {
    const { result } = JSON.parse(String(data)) as { result?: HeapUsage };
    if (result?.usedSize === undefined) return;
    const { usedSize: heap, backingStorageSize: outside } = result;
    const values = { heap, outside, both: heap + outside };
    for (const name of Object.keys(peak) as (keyof typeof peak)[]) {
      peak[name] = Math.max(peak[name], Math.round(values[name] / MIB));
    }
  });
  let id = 0;
  const timer = setInterval(() => {
    id += 1;
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ id, method: "Runtime.getHeapUsage" }));
  }, POLL_MS);
  return {
    peak,
    close() {
      clearInterval(timer);
      socket.close();
    },
  };
}

/** One that nobody listens at. */
async function findPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
