// What goes into the text of a query, where a service has no field for it.

/** ` site:a.example`, or several in parentheses. Without them if the query would become too long: others are dropped later. */
export function withSites(query: string, domains: string[], limit: { characters: number; words: number }): string {
  if (domains.length === 0) return query;
  const sites = domains.map((domain) => `site:${domain}`).join(" OR ");
  const whole = `${query} ${domains.length > 1 ? `(${sites})` : sites}`;
  return whole.length <= limit.characters && whole.split(/\s+/).length <= limit.words ? whole : query;
}

/** For services that take English for granted: Han characters, and none of Japanese. */
export function isChinese(query: string): boolean {
  return /\p{Script=Han}/u.test(query) && !/[\p{Script=Hiragana}\p{Script=Katakana}]/u.test(query);
}

export function postJson(headers: Record<string, string>, body: Record<string, unknown>): RequestInit {
  return {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json", ...headers },
    body: JSON.stringify(body),
  };
}
