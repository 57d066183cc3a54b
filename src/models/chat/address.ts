// Where requests go, from the address that people set. They paste what their provider's page shows: with or without the
// path of the operation, and Azure's with a query.

export interface Address {
  base_url: string;
  /** Goes with every request, e.g. Azure's `api-version`. */
  query: Record<string, string>;
  /** Host and port: an address may contain a password. */
  host: string;
  /** What of the address no sentence may repeat: a user, a password, a key in the query. */
  secrets: string[];
}

export function readAddress(address: string): Address {
  if (!URL.canParse(address))
    return { base_url: address, query: {}, host: "the configured address", secrets: [address] };
  const url = new URL(address);
  const query = Object.fromEntries(url.searchParams);
  url.search = "";
  url.hash = "";
  url.pathname = url.pathname.replace(/\/chat\/completions\/?$/, "");
  const { username, password, host } = url;
  const secrets = [username, password, ...Object.values(query)].flatMap((text) => [text, decode(text)]);
  return { base_url: url.href.replace(/\/$/, ""), query, host, secrets };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
