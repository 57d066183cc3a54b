// The web page and its files. The Worker answers every request first, since a preview's host must never be answered by the
// page: so it says here which paths are its own, and asks for the rest where the files are.
import type { Env } from "../config.ts";

/** Each with all that is below it. */
const roots = ["/v1", "/ag-ui", "/docs", "/hooks", "/integrations"];
const paths = new Set(["/healthz", "/openapi.json"]);

/** The file of that path, or the page for a path that no file has; null where the path is the API's. */
export function servePage(request: Request, env: Env): Promise<Response> | null {
  const { pathname } = new URL(request.url);
  const isApi = paths.has(pathname) || roots.some((root) => pathname === root || pathname.startsWith(`${root}/`));
  return isApi ? null : env.ASSETS.fetch(request);
}
