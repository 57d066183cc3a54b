/**
 * What browsers ask of a preview on behalf of pages of other origins, answered as the real proxy does.
 */
import type { IncomingMessage, ServerResponse } from "node:http";

/** Pages of any origin may read what a preview answers, credentials and all, unless the request says no. */
export function crossOriginHeaders(request: IncomingMessage): [string, string][] {
  const { origin } = request.headers;
  if (origin === undefined || request.headers["x-daytona-disable-cors"] === "true") return [];
  return [
    ["Access-Control-Allow-Origin", origin],
    ["Access-Control-Allow-Credentials", "true"],
    ["Vary", "Origin"],
  ];
}

/** A browser asks this before the request itself, and never brings a token: it is answered before the door. */
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
