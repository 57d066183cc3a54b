// Which addresses may be fetched: public ones, of the domains that the operator lets it use. Asked for each redirect.
import { whyNotPublic } from "../../../lib/public-url.ts";
import { type DomainRules, isAllowed } from "../domains.ts";

export interface AddressRules {
  domains: DomainRules;
  /** Origins that may be private, such as a wiki of the operator's own network. */
  private_origins: string[];
}

/** Browsers and servers take no longer ones. */
const MAX_ADDRESS = 4000;

/** `wrong` is the end of a sentence. */
export function checkAddress(address: string, rules: AddressRules): { url: URL } | { wrong: string } {
  const url = URL.parse(address.trim());
  if (url === null) return { wrong: "is not a valid address: give the whole of it, beginning with https://" };
  if (url.href.length > MAX_ADDRESS) return { wrong: `is longer than ${MAX_ADDRESS} characters` };
  if (url.protocol !== "https:" && url.protocol !== "http:") return { wrong: "is not an http or https address" };
  if (url.username !== "" || url.password !== "") return { wrong: "contains a user or password, which is never sent" };
  url.hash = "";
  const why = rules.private_origins.includes(url.origin) ? null : whyNotPublic(url.href);
  if (why !== null) return { wrong: `${why}, which this tool does not read` };
  if (!isAllowed(rules.domains, url.host)) {
    return { wrong: "is on a site that the operator of this server does not allow: use another source" };
  }
  return { url };
}
