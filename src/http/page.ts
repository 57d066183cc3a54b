// Serves the web page and its files. Every request reaches the Worker first, because a preview's host must never show
// the page. So this lists the paths of the API, and requests all others from the assets.
import type { Env } from "../config.ts";

/** Each includes all paths below it. */
const roots = ["/v1", "/ag-ui", "/docs", "/hooks", "/integrations"];
const paths = new Set(["/healthz", "/openapi.json"]);

/** Responds with the file at that path, or with the page if there is none; null if the path belongs to the API. */
export function servePage(request: Request, env: Env): Promise<Response> | null {
  const { pathname } = new URL(request.url);
  const isApi = paths.has(pathname) || roots.some((root) => pathname === root || pathname.startsWith(`${root}/`));
  return isApi ? null : env.ASSETS.fetch(request);
}
