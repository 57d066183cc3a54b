// Whether a request comes from this server's own pages. A browser adds the cookie to whatever asks, so the cookie alone
// says nothing about who asks. What browsers say about that no page can change.

/**
 * `page`: from a page of this origin. `unclear`: a read by a browser that does not say (Safari before 16.4), which sends
 * no `Origin` with a GET of its own page. `other`: from elsewhere, or from no page at all.
 */
export type Source = "page" | "unclear" | "other";

export function sourceOfRequest({ method, headers, url }: Pick<Request, "method" | "headers" | "url">): Source {
  // `same-site` is a sibling's page, such as a preview. `none` is an address that somebody typed, which needs no answer
  // of the API. A request that was redirected is judged by all its addresses, those of EventSource, WebSocket and
  // service workers by the page that they belong to.
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin" ? "page" : "other";
  const origin = headers.get("origin");
  if (origin !== null) return origin === new URL(url).origin ? "page" : "other";
  return method === "GET" || method === "HEAD" ? "unclear" : "other";
}
