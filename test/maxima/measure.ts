// Sends a request, and says how long the server's thread computed for it: in all, and at most without answering others.
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Sent } from "./requests.ts";
import type { Clock } from "./thread-time.ts";

export interface Server {
  url: string;
  key: string;
  /** For what only admins may do. */
  adminKey: string;
  clock: Clock;
}

const agent = new Agent({ keepAlive: true, maxSockets: 8 });
/** A stream that somebody watches has no end. */
const STREAM_MS = 400;
const ANSWER_MS = 60_000;

/** Resolves with the status; 0 if the connection broke. */
function send({ url, key, adminKey }: Server, { operation, path, headers, body }: Sent): Promise<number> {
  return new Promise((resolve) => {
    const length = body === null ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const proof = operation.isOpen ? {} : { authorization: `Bearer ${operation.scope === "admin" ? adminKey : key}` };
    const target = new URL(url);
    const asked = request(
      { host: target.hostname, port: target.port, path, method: operation.method, agent },
      (response) => {
        const done = () => resolve(response.statusCode ?? 0);
        if (response.headers["content-type"]?.startsWith("text/event-stream") && operation.method === "GET") {
          setTimeout(() => response.destroy(), STREAM_MS).unref();
        }
        response.resume().on("end", done).on("error", done).on("close", done);
      },
    );
    for (const [name, value] of Object.entries({ ...proof, ...headers, ...length })) {
      asked.setHeader(name, value);
    }
    asked.on("error", () => resolve(0));
    asked.on("upgrade", (_, socket) => {
      socket.destroy();
      resolve(101);
    });
    asked.setTimeout(ANSWER_MS, () => asked.destroy());
    asked.end(body ?? undefined);
  });
}

/** The server computes less than this while nothing is asked of it. */
const IDLE_MS = 1.5;
const LOOK_MS = 12;

/** Resolves when the server does nothing any more: `looks` times in a row. */
async function settle({ clock }: Server, looks: number): Promise<void> {
  let [before, quiet] = [clock(), 0];
  for (let look = 0; look < 500 && quiet < looks; look++) {
    await sleep(LOOK_MS);
    const now = clock();
    quiet = now - before < IDLE_MS ? quiet + 1 : 0;
    before = now;
  }
}

/** What others ask meanwhile: each answer shows that the thread was free. */
const light = { method: "GET", path: "/healthz" };
const others = new Agent({ keepAlive: true, maxSockets: 1 });

function askOther({ url }: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request(`${url}${light.path}`, { agent: others }, (response) => {
      response.resume().on("end", resolve).on("error", reject);
    });
    asked.on("error", () => resolve()).end();
  });
}

/** A run, and its way to D1, come after the answer. */
const isWork = ({ operation }: Sent, status: number) => operation.method !== "GET" && status > 0 && status < 300;

/** For how long the thread computed, from the request until all is quiet. */
export async function measureTime(server: Server, sent: Sent): Promise<{ status: number; cpu: number }> {
  await settle(server, 1);
  const before = server.clock();
  const status = await send(server, sent);
  await settle(server, isWork(sent, status) ? 3 : 1);
  return { status, cpu: server.clock() - before };
}

/** The longest time that the thread computed between two answers to others. */
export async function measureStretch(server: Server, sent: Sent): Promise<number> {
  await settle(server, 5);
  let [longest, isOver] = [0, false];
  await askOther(server);
  const watch = async (): Promise<void> => {
    for (let before = server.clock(); !isOver; ) {
      await askOther(server);
      const now = server.clock();
      longest = Math.max(longest, now - before);
      before = now;
      await sleep(1);
    }
  };
  const watched = watch();
  const status = await send(server, sent);
  await sleep(isWork(sent, status) ? 600 : 30);
  isOver = true;
  await watched;
  return longest;
}
