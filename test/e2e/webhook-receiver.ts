// A receiver of webhooks: verifies each with the package of Standard Webhooks, and answers as the path says. A ping is
// answered with 204, but where `pings` says otherwise.
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { PING, type PingPayload, type WebhookPayload } from "../../src/protocol/webhook.ts";

export interface Received {
  path: string;
  id: string;
  headers: IncomingHttpHeaders;
  body: string;
  payload: WebhookPayload;
}

export interface ReceivedPing extends Omit<Received, "payload"> {
  payload: PingPayload;
}

export interface Receiver {
  origin: string;
  received: Received[];
  pings: ReceivedPing[];
  /** The first that matches, even one that has already arrived. */
  next(fits: (received: Received) => boolean): Promise<Received>;
  close(): Promise<void>;
}

type Answer = (response: ServerResponse, before: number) => void;

/** `answers` and `pings`: by path, called with the number of earlier requests there; other paths answer 204. */
export async function startReceiver(
  answers: Record<string, Answer>,
  pingAnswers: Record<string, Answer> = {},
): Promise<Receiver> {
  const received: Received[] = [];
  const pings: ReceivedPing[] = [];
  const waiting = new Set<() => void>();
  const server = createServer(async (request, response) => {
    const body = await readBody(request);
    const path = request.url ?? "";
    const payload = JSON.parse(body || "null") as WebhookPayload | PingPayload;
    const isPing = payload?.type === PING;
    const before = (isPing ? pings : received).filter((other) => other.path === path).length;
    const one = { path, id: String(request.headers["webhook-id"]), headers: request.headers, body };
    if (payload?.type === PING) pings.push({ ...one, payload });
    else received.push({ ...one, payload });
    for (const look of waiting) look();
    const answer = (isPing ? pingAnswers : answers)[path];
    if (answer) answer(response, before);
    else response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    pings,
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
export function verify(secret: string, { body, headers }: Pick<Received, "body" | "headers">): unknown {
  return new Webhook(secret).verify(body, headers as Record<string, string>);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

type Ask = <T>(method: string, path: string, body?: unknown) => Promise<T>;

/** Resolves when the webhook's receiver has proved itself. */
export async function untilVerified(ask: Ask, webhook_id: string): Promise<void> {
  for (;;) {
    const { unverified_since } = await ask<{ unverified_since: string | null }>("GET", `/v1/webhooks/${webhook_id}`);
    if (unverified_since === null) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function makeVerified<Hook extends { webhook_id: string }>(
  ask: Ask,
  body: Record<string, unknown>,
): Promise<Hook> {
  const made = await ask<Hook>("POST", "/v1/webhooks", body);
  await untilVerified(ask, made.webhook_id);
  return made;
}
