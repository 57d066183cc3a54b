// The web that the hostile pages stand in. Here is the one place to switch to the product's own tools: replace
// `memoryWeb` by tools of `createSearchTools` and `createFetchTools` over a `fetch` that serves these bodies with their
// types, and return what that `fetch` and the search were asked.
import { type MemoryWeb, memoryWeb, type WebPage } from "../fakes/web-tools.ts";
import type { HostilePage } from "./pages.ts";

export function openWeb(pages: HostilePage[]): MemoryWeb {
  const known = pages.map(({ url, title, body, passage }): [string, WebPage] => [
    url,
    { title, text: body, ...(passage === undefined ? {} : { passage }) },
  ]);
  return memoryWeb(Object.fromEntries(known));
}
