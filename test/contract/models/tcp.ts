// Strict servers behind one address: the model's name in the body says which of them is asked, as with a proxy.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { StrictServer } from "./server.ts";

export interface StrictAddress {
  base_url: string;
  close(): Promise<void>;
}

export async function listen(servers: ReadonlyMap<string, StrictServer>): Promise<StrictAddress> {
  const server = createServer((request, response) => {
    answer(request, response, servers).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    base_url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  servers: ReadonlyMap<string, StrictServer>,
): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const body = Buffer.concat(pieces).toString();
  const { model } = JSON.parse(body) as { model: string };
  const headers = new Headers(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const url = `http://${request.headers.host}${request.url}`;
  const answered = await servers.get(model)?.fetch(url, { method: "POST", headers, body });
  if (!answered) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(answered.status, Object.fromEntries(answered.headers));
  for await (const chunk of answered.body ?? []) response.write(chunk);
  response.end();
}
