// Serves the web page and its files. Every request but those for scripts and styles reaches the Worker first, because a
// preview's host must never show the page (`run_worker_first` of wrangler.toml; `npm start` brings those here, too). So
// all paths outside the API are requested from the assets.
//
// A path without a file is a place on the page for whoever asks for HTML, as browsers do when a person goes there. For
// anybody else it does not exist: a program that gets the page with 200 takes it for what it looked for.
import type { Env } from "../../config.ts";
import { namesType } from "./accept.ts";
import { isApiPath } from "./roots.ts";

/** Of an address as the runtime writes it. Each request comes by here, and to parse it takes ten microseconds. */
function pathOf(address: string): string {
  const begin = address.indexOf("/", address.indexOf("//") + 2);
  const [path = "/"] = address.slice(begin).split(/[?#]/, 1);
  return path;
}

/**
 * Responds with the file at that path, or with the page. Returns null if the path belongs to the API, or the method
 * can't be one for a file. `answerMissing` answers where there is neither.
 */
export function servePage(
  request: Request,
  env: Env,
  answerMissing: () => Response | Promise<Response>,
): Promise<Response> | null {
  const isReading = request.method === "GET" || request.method === "HEAD";
  return isReading && !isApiPath(pathOf(request.url)) ? answerFile(request, env, answerMissing) : null;
}

async function answerFile(
  request: Request,
  env: Env,
  answerMissing: () => Response | Promise<Response>,
): Promise<Response> {
  const file = await env.ASSETS.fetch(request);
  if (file.status !== 404) return file;
  await file.body?.cancel();
  const page = namesType(request.headers.get("accept"), "text/html")
    ? await env.ASSETS.fetch(new Request(new URL("/", request.url), request))
    : file;
  const answer = page.status === 404 ? await answerMissing() : page;
  // A cache must not give a program's 404 to a person.
  const varied = new Response(answer.body, answer);
  varied.headers.append("vary", "Accept");
  return varied;
}
