// The two entrypoints of a Worker under `npm start`. The public port leads to one that can only answer requests.
// Miniflare also opens a socket of its own, on a random port, that leads to the default export. There every request is
// rejected, since Miniflare honours headers that rewrite a request's address (`MF-Original-URL`) and shows paths of
// files in errors.

/** A name or an address, with or without a port. Cloudflare's network rejects anything else before a Worker sees it. */
const hostShape = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

/** Headers that only Cloudflare's network or Miniflare sets. A client could forge them. */
const reservedHeader = /^(?:cf|mf)-/i;

/** The entrypoint for direct requests: with assets, the default export is behind a proxy Worker of Miniflare's. */
export const PUBLIC_ENTRYPOINT = "publicEntrypoint";

type Fetch = (request: Request, env: unknown, context: ExecutionContext) => Response | Promise<Response>;

export function createPublicEntrypoint(worker: { fetch: Fetch }): { fetch: Fetch } {
  return {
    fetch(request, env, context) {
      const host = request.headers.get("host") ?? "";
      if (!hostShape.test(host) || !URL.canParse(`http://${host}`)) {
        return new Response("The Host header names no valid host.\n", { status: 400 });
      }
      return worker.fetch(toPublicRequest(request), env, context);
    },
  };
}

/** Has the Worker's queue and cron handlers, and rejects every request. */
export function createInnerEntrypoint<Worker extends { fetch: Fetch }>(worker: Worker): Worker {
  return { ...worker, fetch: () => new Response(null, { status: 404 }) };
}

/** The request as Cloudflare's network would pass it on. */
export function toPublicRequest(request: Request): Request {
  const url = new URL(request.url);
  // Set by a tunnel in front of this machine; links that the Worker makes then begin with https.
  const [protocol] = (request.headers.get("x-forwarded-proto") ?? "").split(",");
  if (protocol?.trim().toLowerCase() === "https") url.protocol = "https:";
  const given = new Request(url, request);
  for (const name of [...given.headers.keys()]) if (reservedHeader.test(name)) given.headers.delete(name);
  // The port is bound to this address alone.
  given.headers.set("cf-connecting-ip", "127.0.0.1");
  return given;
}
