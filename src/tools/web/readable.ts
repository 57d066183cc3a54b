// Which addresses of the web an agent may see: public ones, and private ones only at the origins that the operator
// named. ALLOW_PRIVATE_URLS has no say: it is for addresses that people give, and these come from pages.
import type { SearchSettings } from "../../config/search.ts";
import { whyNotPublic } from "../../lib/public-url.ts";
import { type DomainRules, isAllowed } from "./domains.ts";

export interface WebRules extends Pick<SearchSettings, "private_origins"> {
  domains: DomainRules;
}

/** Why a page must not be shown or read, as the end of a sentence; null if it may be. */
export function whyNotReadable({ private_origins, domains }: WebRules, address: string): string | null {
  const url = URL.parse(address);
  if (url !== null && private_origins.includes(url.origin)) return null;
  const why = whyNotPublic(address);
  if (why !== null || url === null) return why ?? "is not a valid address";
  return isAllowed(domains, url.hostname) ? null : "is at a host that this server's operator does not allow";
}
