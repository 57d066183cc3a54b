// A receiver of webhooks: verifies each with the package of Standard Webhooks, and answers as the path says.
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import type { WebhookPayload } from "../../src/protocol/webhook.ts";

export interface Received {
  path: string;
  id: string;
  headers: IncomingHttpHeaders;
  body: string;
  payload: WebhookPayload;
}

export interface Receiver {
  origin: string;
  received: Received[];
  /** The first that matches, even one that has already arrived. */
  next(fits: (received: Received) => boolean): Promise<Received>;
  close(): Promise<void>;
}

/** `answers`: by path, called with the number of earlier requests there; other paths answer 204. */
export async function startReceiver(
  answers: Record<string, (response: ServerResponse, before: number) => void>,
): Promise<Receiver> {
  const received: Received[] = [];
  const waiting = new Set<() => void>();
  const server = createServer(async (request, response) => {
    const body = await readBody(request);
    const path = request.url ?? "";
    const before = received.filter((other) => other.path === path).length;
    const id = String(request.headers["webhook-id"]);
    received.push({ path, id, headers: request.headers, body, payload: JSON.parse(body || "null") as WebhookPayload });
    for (const look of waiting) look();
    const answer = answers[path];
    if (answer) answer(response, before);
    else response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    next: (fits) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = received.find(fits);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Throws where the signature does not match the secret. */
export function verify(secret: string, { body, headers }: Received): unknown {
  return new Webhook(secret).verify(body, headers as Record<string, string>);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
