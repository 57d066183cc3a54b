// Where requests go, from the address that people set. They paste what their provider's page shows: with or without the
// path of the operation, and Azure's with a query.

export interface Address {
  base_url: string;
  /** The operation that the pasted address ends in, where that says something: nearly every page shows the other one. */
  api: "responses" | null;
  /** Goes with every request, e.g. Azure's `api-version`. */
  query: Record<string, string>;
  /** Host and port: an address may contain a password. */
  host: string;
  /** What of the address no sentence may repeat: a user, a password, a key in the query. */
  secrets: string[];
}

export function readAddress(address: string): Address {
  if (!URL.canParse(address))
    return { base_url: address, api: null, query: {}, host: "the configured address", secrets: [address] };
  const url = new URL(address);
  const query = Object.fromEntries(url.searchParams);
  url.search = "";
  url.hash = "";
  const [operation = "", name] = /\/(chat\/completions|responses)\/?$/.exec(url.pathname) ?? [];
  url.pathname = url.pathname.slice(0, url.pathname.length - operation.length);
  const { username, password, host } = url;
  const secrets = [username, password, ...Object.values(query)].flatMap((text) => [text, decode(text)]);
  return { base_url: url.href.replace(/\/$/, ""), api: name === "responses" ? name : null, query, host, secrets };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
