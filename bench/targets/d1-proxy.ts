// Stands between a server and its D1 and shows what passes: a trip, and what D1 says of each of its statements. It costs
// time, so no turn is timed through it.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

export interface D1Proxy {
  /** To be used as D1's origin. */
  url: string;
  /** Requests that wait for D1 now. */
  waiting(): number;
  close(): void;
}

/** One statement of a trip. */
export interface D1Rows {
  read: number;
  written: number;
}

/** `d1` is the origin of a D1 process. `query` is the trip's request: SQL and parameters as JSON. */
export async function startD1Proxy(d1: string, onTrip: (query: string, rows: D1Rows[]) => void): Promise<D1Proxy> {
  let waiting = 0;
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const query = await readBody(request);
    const headers = { "content-type": "application/json" };
    const answer = await fetch(d1 + request.url, { method: "POST", headers, body: query });
    const text = await answer.text();
    onTrip(query, rowsOf(JSON.parse(text) as Answer | Answer[]));
    response.writeHead(answer.status, headers).end(text);
  };
  const server = createServer(async (request, response) => {
    waiting += 1;
    // A Worker whose D1 gives no answer shows it itself.
    await pass(request, response).catch(() => response.destroy());
    waiting -= 1;
  });
  const port = await listen(server);
  return { url: `http://127.0.0.1:${port}`, waiting: () => waiting, close: () => closeServer(server) };
}

interface Answer {
  meta?: { rows_written: number; rows_read: number };
}

/** A batch is answered with one entry for each statement. */
function rowsOf(answer: Answer | Answer[]): D1Rows[] {
  const all = Array.isArray(answer) ? answer : [answer];
  return all.map(({ meta }) => ({ read: meta?.rows_read ?? 0, written: meta?.rows_written ?? 0 }));
}

type Server = ReturnType<typeof createServer>;

export async function readBody(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}

/** Resolves with the port. */
export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

export function closeServer(server: Server): void {
  server.closeAllConnections();
  server.close();
}
