// Serves the web page and its files. Every request reaches the Worker first, because a preview's host must never show
// the page. So all paths outside the API are requested from the assets.
import type { Env } from "../config.ts";
import { isApiPath } from "./roots.ts";

/** Of an address as the runtime writes it. Each request comes by here, and to parse it takes ten microseconds. */
function pathOf(address: string): string {
  const begin = address.indexOf("/", address.indexOf("//") + 2);
  const [path = "/"] = address.slice(begin).split(/[?#]/, 1);
  return path;
}

/** Responds with the file at that path, or with the page if there is none; null if the path belongs to the API. */
export function servePage(request: Request, env: Env): Promise<Response> | null {
  return isApiPath(pathOf(request.url)) ? null : env.ASSETS.fetch(request);
}
