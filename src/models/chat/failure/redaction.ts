// What of a provider's words may be shown. Providers quote keys in their answers ("Incorrect API key provided: …"), so
// every sentence passes through here.
import { cutEnd } from "../../../lib/truncate.ts";

/** The provider that the sentences name, and the secrets that they must not contain. */
export interface Provider {
  /** Host and port only: an address may contain a password. */
  host: string;
  secrets: readonly string[];
}

/** Limits the provider's words: enough for its first sentences, too little for a page of HTML. */
const MAX_DETAIL_CHARACTERS = 500;

/** One line that ends like a sentence. Redacts before it cuts, since half a key would not be recognized. */
export function cut(detail: string, provider: Provider): string {
  const safe = redact(detail.toWellFormed(), provider.secrets);
  const line = cutEnd(safe.replace(/[\s\p{Cc}]+/gu, " "), MAX_DETAIL_CHARACTERS).trim();
  return /[.!?。！？…]$/.test(line) ? line : `${line}.`;
}

/** Local servers accept any key ("ollama", "x"). Such a short word is no secret and occurs in ordinary text. */
const MIN_KEY_CHARACTERS = 8;

/**
 * Removes the secrets and anything that looks like one: `sk-…`, a bearer token, a key that the provider masked with
 * asterisks.
 */
export function redact(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= MIN_KEY_CHARACTERS)
    .reduce((known, secret) => known.replaceAll(secret, "[key]"), text)
    .replace(/\bBearer\s+(?!\[key\])[^\s"']+/gi, "Bearer [key]")
    .replace(/\b(?:sk|pk|key|gsk|xai)-[\w*.-]{6,}/g, "[key]")
    .replace(/[^\s"']*\*{3,}[^\s"']*/g, "[key]");
}
