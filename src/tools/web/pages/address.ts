// Which addresses may be fetched: public ones, of the domains that the operator lets it use. Asked for each redirect.
import { type WebRules, whyNotReadable } from "../readable.ts";

/** Browsers and servers take no longer ones. */
const MAX_ADDRESS = 4000;

/** `wrong` is the end of a sentence. */
export function checkAddress(address: string, rules: WebRules): { url: URL } | { wrong: string } {
  const url = URL.parse(address.trim());
  if (url === null) return { wrong: "is not a valid address: give the whole of it, beginning with https://" };
  if (url.href.length > MAX_ADDRESS) return { wrong: `is longer than ${MAX_ADDRESS} characters` };
  if (url.protocol !== "https:" && url.protocol !== "http:") return { wrong: "is not an http or https address" };
  if (url.username !== "" || url.password !== "") return { wrong: "contains a user or password, which is never sent" };
  url.hash = "";
  const why = whyNotReadable(rules, url.href);
  if (why !== null) return { wrong: `${why}, so this tool does not read it` };
  return { url };
}
