// Readers of one thread's stream: opened first, then a run begins, and each reader counts every token. Two tasks, since
// what it costs to open a stream isn't part of what a token costs. Sockets are read as bytes: parsing HTTP or events
// for hundreds of readers would take this process's core, and it would be the client that is measured.
import { connect, type Socket } from "node:net";
import { API_KEY, tokenOf } from "../targets/targets.ts";
import { type Counter, createCounter } from "./counter.ts";
import { type Order, writeOrder } from "./order.ts";
import { takeTurn } from "./turn.ts";

export interface OpenReaders {
  kind: "open-readers";
  url: string;
  thread: string;
  readers: number;
}

export interface ReadRun {
  kind: "read-run";
  order: Order;
}

export interface OpenedReaders {
  /** How many the server accepted. */
  open: number;
  /** How many it refused, and with which status. */
  refused: number;
  statuses: number[];
}

export interface ReadResult {
  /** In ms from the first reader's last token to the last reader's. */
  spread: number;
  /** In ms from the request of the run to the last token of the first reader. */
  total: number;
  tokens_each: number;
  /** CPU time of this process, in µs: near `total` the client is what is measured. */
  client_cpu: number;
}

interface Reader {
  socket: Socket;
  status: number;
  tokens: number;
  /** When the newest token came. */
  last: number;
}

interface Room {
  url: string;
  thread: string;
  readers: Reader[];
  /** Called for each piece that a reader got. */
  onPiece: () => void;
}

/** A reader that has nothing new for so long has lost something. */
const LIMIT_MS = 120_000;

/** How many connect at a time: more would wait in the server's backlog. */
const AT_ONCE = 25;

/** After the last token nothing more may come: a token sent twice would. */
const SETTLE_MS = 300;

let room: Room | null = null;

/** Takes a turn of one token, so that the thread exists and each reader can show that it reads. */
export async function openReaders({ url, thread, readers }: OpenReaders): Promise<OpenedReaders> {
  await takeTurn({ name: "taskloom", url }, thread, { tokens: 1, rate: 0, steps: 0 });
  const opening: Room = { url, thread, readers: [], onPiece: () => {} };
  const opened: Reader[] = [];
  while (opened.length < readers) {
    const count = Math.min(AT_ONCE, readers - opened.length);
    opened.push(...(await Promise.all(Array.from({ length: count }, () => openReader(opening)))));
  }
  opening.readers = opened.filter(({ status }) => status === 200);
  const others = opened.filter(({ status }) => status !== 200);
  for (const { socket } of others) socket.destroy();
  await until(opening, ({ tokens }) => tokens >= 1);
  room = opening;
  const statuses = [...new Set(others.map(({ status }) => status))];
  return { open: opening.readers.length, refused: others.length, statuses };
}

/** Starts a run and waits until each reader has all of its tokens. Rejects if one has less or more. Closes them. */
export async function readRun({ order }: ReadRun): Promise<ReadResult> {
  if (room === null) throw new Error("no readers are open");
  const { readers } = room;
  const [begun, before] = [performance.now(), process.cpuUsage()];
  await startRun(room, order);
  const expected = order.tokens + 1;
  await until(room, ({ tokens }) => tokens >= expected);
  const used = process.cpuUsage(before);
  const lasts = readers.map(({ last }) => last);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const wrong = readers.filter(({ tokens }) => tokens !== expected);
  for (const { socket } of readers) socket.destroy();
  room = null;
  if (wrong.length > 0) throw new Error(`${wrong.length} readers have ${wrong[0]?.tokens} of ${expected} tokens`);
  const first = Math.min(...lasts);
  const client_cpu = used.user + used.system;
  return { spread: Math.max(...lasts) - first, total: first - begun, tokens_each: order.tokens, client_cpu };
}

/** Resolves with the answer's status. A reader goes on to count. */
function openReader(of: Room): Promise<Reader> {
  const { hostname, port, host } = new URL(of.url);
  const socket = connect(Number(port), hostname);
  const countTokens: Counter = createCounter(tokenOf("taskloom"));
  const reader: Reader = { socket, status: 0, tokens: 0, last: 0 };
  socket.write(
    `GET /v1/threads/${of.thread}/events HTTP/1.1\r\nHost: ${host}\r\nAccept: text/event-stream\r\n` +
      `Authorization: Bearer ${API_KEY}\r\n\r\n`,
  );
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("the server closed a connection without an answer")));
    socket.on("data", (piece) => {
      if (reader.status === 0) {
        reader.status = Number(/^HTTP\/1\.1 (\d{3})/.exec(piece.toString("latin1", 0, 32))?.[1] ?? 0);
        resolve(reader);
      }
      const more = countTokens(piece);
      if (more === 0) return;
      reader.tokens += more;
      reader.last = performance.now();
      of.onPiece();
    });
  });
}

/** Without a stream of its own: the readers are all that the run has. */
async function startRun({ url, thread }: Room, order: Order): Promise<void> {
  const headers = { "content-type": "application/json", authorization: `Bearer ${API_KEY}` };
  const body = JSON.stringify({ message: writeOrder(order) });
  const response = await fetch(`${url}/v1/threads/${thread}/runs`, { method: "POST", headers, body });
  if (response.status !== 202) throw new Error(`the run was answered with ${response.status}`);
  await response.arrayBuffer();
}

function until(of: Room, isReady: (reader: Reader) => boolean): Promise<void> {
  // A reader that is ready stays so: each is looked at until then, and not again.
  let waiting = of.readers;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const seen = waiting.map(({ tokens }) => tokens).slice(0, 5);
      reject(new Error(`${waiting.length} of ${of.readers.length} readers lack tokens: they have ${seen.join(", ")}`));
    }, LIMIT_MS);
    const look = (): void => {
      const [next] = waiting;
      if (next !== undefined && !isReady(next)) return;
      waiting = waiting.filter((reader) => !isReady(reader));
      if (waiting.length > 0) return;
      clearTimeout(timer);
      of.onPiece = () => {};
      resolve();
    };
    of.onPiece = look;
    look();
  });
}
