// Serves the web page and its files. Every request reaches the Worker first, because a preview's host must never show
// the page. So all paths outside the API are requested from the assets.
import type { Env } from "../config.ts";
import { isApiPath } from "./roots.ts";

/** Responds with the file at that path, or with the page if there is none; null if the path belongs to the API. */
export function servePage(request: Request, env: Env): Promise<Response> | null {
  return isApiPath(new URL(request.url).pathname) ? null : env.ASSETS.fetch(request);
}
