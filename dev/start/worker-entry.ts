// The Worker as `npm start` serves it. The public port leads to `publicEntrypoint`, which can do nothing but answer requests.
// Miniflare also opens a socket of its own, on a random port, that leads to the default export: there nobody is answered,
// since that way honours headers that rewrite a request's address (`MF-Original-URL`) and shows the paths of files in errors.
import type { Env } from "../../src/config.ts";
import worker, { ThreadObject } from "../../src/index.ts";

export { ThreadObject };

/** A name or an address with or without a port. Cloudflare's network refuses anything else before a Worker sees it. */
const hostShape = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

/** What only Cloudflare's network or Miniflare says of a request: from a client it is a claim. */
const reservedHeader = /^(?:cf|mf)-/i;

export const publicEntrypoint = {
  fetch(request, env, context) {
    const host = request.headers.get("host") ?? "";
    if (!hostShape.test(host) || !URL.canParse(`http://${host}`)) {
      return new Response("The Host header names no valid host.\n", { status: 400 });
    }
    return worker.fetch(toPublicRequest(request), env, context);
  },
} satisfies ExportedHandler<Env>;

function toPublicRequest(request: Parameters<typeof worker.fetch>[0]): typeof request {
  const url = new URL(request.url);
  // A tunnel in front of this machine says so; links that the Worker makes then begin with https.
  const [protocol] = (request.headers.get("x-forwarded-proto") ?? "").split(",");
  if (protocol?.trim().toLowerCase() === "https") url.protocol = "https:";
  const given = new Request(url, request);
  for (const name of [...given.headers.keys()]) if (reservedHeader.test(name)) given.headers.delete(name);
  // The port is bound to this address alone.
  given.headers.set("cf-connecting-ip", "127.0.0.1");
  return given as typeof request;
}

// biome-ignore lint/style/noDefaultExport: a Worker's entry is one.
export default {
  ...worker,
  fetch: () => new Response(null, { status: 404 }),
} satisfies ExportedHandler<Env>;
