// What the bundle takes for the writer of queries of OpenAI's client ([alias] in wrangler.toml): a query of texts, which is
// all that an address has. The client's own also writes objects and lists.

const reserved = /[!'()*]/g;

export function stringify(query: Record<string, string | undefined>): string {
  const pairs = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return pairs.map((pair) => pair.map(encode).join("=")).join("&");
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    reserved,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
