// Stands between a server and D1, and adds up the rows that D1 says it read and wrote. It costs time, so no turn is
// timed through it.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

export interface D1Rows {
  queries: number;
  read: number;
  written: number;
}

export interface D1Counter {
  /** To be used as D1's origin. */
  url: string;
  /**
   * Counts from here on queries that have one of these threads among their parameters. Others are of other threads'
   * alarms: half a minute after its turn each thread looks once whether D1 has everything.
   */
  start(threads: string[]): void;
  /** What has been counted since then. */
  read(): D1Rows;
  close(): Promise<void>;
}

interface Answer {
  meta?: { rows_read?: number; rows_written?: number };
}

export async function startD1Counter(d1: string): Promise<D1Counter> {
  let rows: D1Rows = { queries: 0, read: 0, written: 0 };
  let counted: string[] = [];
  const count = (query: string, answers: unknown): void => {
    if (!counted.some((thread) => query.includes(thread))) return;
    rows.queries += 1;
    // A batch answers with one entry for each statement.
    for (const { meta } of Array.isArray(answers) ? (answers as Answer[]) : []) {
      rows.read += meta?.rows_read ?? 0;
      rows.written += meta?.rows_written ?? 0;
    }
  };
  const server = createServer((request, response) => {
    pass(d1, request, response, count).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    start(threads) {
      counted = threads.map((thread) => JSON.stringify(thread));
      rows = { queries: 0, read: 0, written: 0 };
    },
    read: () => rows,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function pass(
  d1: string,
  request: IncomingMessage,
  response: ServerResponse,
  count: (query: string, answers: unknown) => void,
): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const query = Buffer.concat(pieces);
  const headers = { "content-type": request.headers["content-type"] ?? "application/json" };
  const answer = await fetch(d1 + request.url, { method: "POST", headers, body: query });
  const text = await answer.text();
  count(query.toString(), JSON.parse(text));
  response.writeHead(answer.status, { "content-type": "application/json" });
  response.end(text);
}

/** What a turn may still write after its end. */
const SETTLE_MS = 300;

/** What a turn costs on average. `take` takes `turns` of them in all, in these threads. */
export async function rowsPerTurn(
  counter: D1Counter,
  threads: string[],
  turns: number,
  take: () => Promise<unknown>,
): Promise<D1Rows> {
  await settle();
  counter.start(threads);
  await take();
  await settle();
  const { queries, read, written } = counter.read();
  return { queries: queries / turns, read: read / turns, written: written / turns };
}

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}
