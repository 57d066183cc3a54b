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
  if (url === null) return "is not a valid address";
  const isNamed = isPrivateOrigin(private_origins, url);
  const why = isNamed ? null : whyNotPublic(address);
  if (why !== null) return why;
  // Whoever names an origin allows it.
  const { allow, deny } = domains;
  const isReadable = isAllowed({ allow: isNamed ? [] : allow, deny }, url.hostname);
  return isReadable ? null : "is at a host that this server's operator does not allow";
}

/** Whether the operator named this very origin: another scheme or port is another one. */
export function isPrivateOrigin(private_origins: string[], { origin }: URL): boolean {
  return private_origins.includes(origin);
}
