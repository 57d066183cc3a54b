/**
 * Answers what browsers ask of a preview on behalf of pages of other origins, as the real proxy does.
 */
import type { IncomingMessage, ServerResponse } from "node:http";

/** Pages of any origin may read a preview's responses, with credentials, unless the request opts out. */
export function crossOriginHeaders(request: IncomingMessage): [string, string][] {
  const { origin } = request.headers;
  if (origin === undefined || request.headers["x-daytona-disable-cors"] === "true") return [];
  return [
    ["Access-Control-Allow-Origin", origin],
    ["Access-Control-Allow-Credentials", "true"],
    ["Vary", "Origin"],
  ];
}

/**
 * A browser sends a preflight before the request itself and never with a token, so it is answered before
 * authentication.
 */
export function answerPreflight(request: IncomingMessage, response: ServerResponse): boolean {
  const method = request.headers["access-control-request-method"];
  const headers = crossOriginHeaders(request);
  if (request.method !== "OPTIONS" || method === undefined || headers.length === 0) return false;
  const asked = request.headers["access-control-request-headers"];
  headers.push(["Access-Control-Allow-Methods", method], ["Access-Control-Max-Age", "43200"]);
  if (asked !== undefined) headers.push(["Access-Control-Allow-Headers", asked]);
  response.writeHead(204, headers.flat());
  response.end();
  return true;
}
