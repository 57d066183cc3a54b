// A proxy to the sandboxes on which the harness sees each request before it arrives: it reports when a command is about
// to be started and how often its output was read. Everything else passes unchanged.
import { Agent, createServer, type IncomingMessage, type ServerResponse, request as send } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import type { Watch } from "./moments.ts";
import { readCallId } from "./script.ts";

export interface Proxy {
  /** For `DAYTONA_API_URL`. */
  apiUrl: string;
  close(): void;
}

/** Whether a request or its answer may pass. What may not gets no answer: who asked is dead. */
export interface Guard {
  asks: (path: string, method: string, body: Buffer) => boolean;
  answers?: (path: string) => boolean;
}

/** Reports commands of the script's runs. */
export function guardCommands(watch: Watch): Guard {
  /** How often the output of each session was read. */
  const reads = new Map<string, number>();
  const asks = (path: string, method: string, body: Buffer): boolean => {
    if (method === "POST" && path.endsWith("/process/session")) {
      const { sessionId } = JSON.parse(body.toString("utf8")) as { sessionId: string };
      const call = readCallId(sessionId);
      const again = reads.has(sessionId);
      if (call === null) return true;
      if (!watch({ kind: "command_asked", ...call, again })) return false;
      reads.set(sessionId, reads.get(sessionId) ?? 0);
      return true;
    }
    const session = /\/process\/session\/([^/]+)\/command\/[^/]+\/logs$/.exec(path)?.[1] ?? "";
    const call = readCallId(session);
    if (call === null) return true;
    const count = (reads.get(session) ?? 0) + 1;
    reads.set(session, count);
    return watch({ kind: "command_read", ...call, count });
  };
  return { asks };
}

export async function openProxy(target: string, guard: Guard): Promise<Proxy> {
  const { origin } = new URL(target);
  const agent = new Agent({ keepAlive: true });
  let own = "";

  const pass = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = "GET", url = "/", headers } = incoming;
    const body = await buffer(incoming);
    const path = url.split("?")[0] ?? "/";
    if (!guard.asks(path, method, body)) return;
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      send(origin + url, { method, headers, agent }, resolve)
        .once("error", reject)
        .end(body);
    });
    if (guard.answers?.(path) === false) {
      answer.destroy();
      return;
    }
    if (!url.startsWith("/api/")) {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      await pipeline(answer, response);
      return;
    }
    // The API's responses contain sandbox addresses; they are rewritten to lead through this proxy too.
    const rewritten = (await buffer(answer)).toString("utf8").replaceAll(origin, own);
    const { "content-length": _length, "transfer-encoding": _encoding, ...kept } = answer.headers;
    response.writeHead(answer.statusCode ?? 502, kept).end(rewritten);
  };

  const server = createServer((incoming, response) => {
    // The client may have been killed; a request that reached the sandboxes still has its effect.
    pass(incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  own = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    apiUrl: own + new URL(target).pathname,
    close: () => {
      server.close();
      server.closeAllConnections();
      agent.destroy();
    },
  };
}
