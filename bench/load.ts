// The clients, in a process of their own: receives a task, runs its turns, and replies with the measurements.
import { Agent, request } from "node:http";
import { type Order, writeOrder } from "./order.ts";
import { marksOf, type Target, turnOf } from "./targets.ts";

export interface LoadTask {
  target: Target;
  clients: number;
  /** Turns of each client, one after another on its own thread. */
  turns: number;
  order: Order;
  /** The threads' names: `<prefix>-<client>`. */
  prefix: string;
  /** The time between the starts of two clients, in ms. */
  stagger_ms: number;
}

export interface Turn {
  /** In ms from the request: the first token, the last one, the end of the stream. */
  first: number;
  last: number;
  end: number;
}

export interface LoadResult {
  /** The turns of each client, in order. */
  clients: Turn[][];
  /** In ms, from the first request to the end of the last stream. */
  total: number;
  tokens: number;
}

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

/** Counts a mark in a stream of chunks, even where a chunk boundary splits it. */
function createCounter(mark: string): (piece: Buffer) => number {
  const sought = Buffer.from(mark);
  let rest: Buffer = Buffer.alloc(0);
  return (piece) => {
    const whole = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let count = 0;
    let from = 0;
    for (let at = whole.indexOf(sought); at >= 0; at = whole.indexOf(sought, from)) {
      count += 1;
      from = at + sought.length;
    }
    rest = whole.subarray(Math.max(from, whole.length - sought.length + 1));
    return count;
  };
}

function takeTurn({ target, order }: LoadTask, thread: string): Promise<Turn> {
  const { path, headers, body } = turnOf(target.name, thread, writeOrder(order));
  const marks = marksOf(target.name);
  const countTokens = createCounter(marks.token);
  const countEnds = createCounter(marks.end);
  const begun = performance.now();
  const turn: Turn = { first: 0, last: 0, end: 0 };
  let tokens = 0;
  let ends = 0;
  return new Promise((resolve, reject) => {
    const asked = request(target.url + path, { agent, method: "POST", headers }, (response) => {
      response.on("data", (piece: Buffer) => {
        const more = countTokens(piece);
        ends += countEnds(piece);
        if (more === 0) return;
        turn.last = performance.now() - begun;
        if (tokens === 0) turn.first = turn.last;
        tokens += more;
      });
      response.on("error", reject);
      response.on("end", () => {
        turn.end = performance.now() - begun;
        // Arguments of tool calls are streamed like text and count too.
        const isWhole = ends > 0 && (order.steps > 0 ? tokens >= order.tokens : tokens === order.tokens);
        if (isWhole) return resolve(turn);
        reject(new Error(`${target.name} ${thread}: ${response.statusCode}, ${tokens} of ${order.tokens} tokens`));
      });
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

async function runClient(task: LoadTask, client: number): Promise<Turn[]> {
  await new Promise((resolve) => setTimeout(resolve, client * task.stagger_ms));
  const turns: Turn[] = [];
  for (let count = 0; count < task.turns; count++) turns.push(await takeTurn(task, `${task.prefix}-${client}`));
  return turns;
}

async function runTask(task: LoadTask): Promise<LoadResult> {
  const begun = performance.now();
  const clients = await Promise.all(Array.from({ length: task.clients }, (_, client) => runClient(task, client)));
  return { clients, total: performance.now() - begun, tokens: task.clients * task.turns * task.order.tokens };
}

process.on("message", (task: LoadTask) => {
  runTask(task).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on("disconnect", () => process.exit());
process.send?.({ ready: true });
