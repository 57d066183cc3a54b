// Stands between a server and its D1 and counts what passes: trips, statements, and the rows that D1 says it read and
// wrote.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

export interface DatabaseCounts {
  trips: number;
  statements: number;
  rows_written: number;
  rows_read: number;
}

export interface CountedDatabase {
  url: string;
  /** All so far. */
  counts(): DatabaseCounts;
  /** Requests that wait for D1 now. */
  waiting(): number;
  close(): void;
}

/** `d1` is the origin of a D1 process. */
export async function countDatabase(d1: string): Promise<CountedDatabase> {
  const counts: DatabaseCounts = { trips: 0, statements: 0, rows_written: 0, rows_read: 0 };
  let waiting = 0;
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(d1 + request.url, { method: "POST", headers, body: await readBody(request) });
    const text = await answer.text();
    addResults(counts, JSON.parse(text) as Result | Result[]);
    response.writeHead(answer.status, headers).end(text);
  };
  const server = createServer(async (request, response) => {
    waiting += 1;
    // A Worker whose D1 gives no answer shows it itself.
    await pass(request, response).catch(() => response.destroy());
    waiting -= 1;
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    counts: () => ({ ...counts }),
    waiting: () => waiting,
    close: () => closeServer(server),
  };
}

interface Result {
  meta?: { rows_written: number; rows_read: number };
}

function addResults(counts: DatabaseCounts, answer: Result | Result[]): void {
  counts.trips += 1;
  for (const { meta } of Array.isArray(answer) ? answer : [answer]) {
    counts.statements += 1;
    counts.rows_written += meta?.rows_written ?? 0;
    counts.rows_read += meta?.rows_read ?? 0;
  }
}

type Server = ReturnType<typeof createServer>;

export async function readBody(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}

export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

export function closeServer(server: Server): void {
  server.closeAllConnections();
  server.close();
}
