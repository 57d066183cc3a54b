// Which of the pages that a service found are shown: those that an agent may see, from the domains that were asked for,
// each once.
import { toSourceUrl } from "../../../agent/sources.ts";
import { isWithin } from "../domains.ts";
import { type WebRules, whyNotReadable } from "../readable.ts";
import type { FoundPage } from "./search-service.ts";

export interface ChosenPages {
  pages: FoundPage[];
  /** How many were left out because an agent may not see them, or they are not from the domains. */
  left_out: number;
}

/** A longer address holds data that no reader needs, and would fill the result. */
const MAX_ADDRESS = 1000;

/** Addresses come out in the form of a source. */
export function choosePages(found: FoundPage[], domains: string[], rules: WebRules, count: number): ChosenPages {
  const pages = new Map<string, FoundPage>();
  let left_out = 0;
  for (const page of found) {
    const url = toSourceUrl(page.url);
    if (url === null || url.length > MAX_ADDRESS || !isFrom(url, domains) || whyNotReadable(rules, url) !== null) {
      left_out += 1;
      continue;
    }
    const key = keyOf(url);
    const known = pages.get(key);
    pages.set(key, known === undefined ? { ...page, url } : merge(known, page));
  }
  return { pages: [...pages.values()].slice(0, count), left_out };
}

function isFrom(url: string, domains: string[]): boolean {
  const { hostname } = new URL(url);
  return domains.length === 0 || domains.some((domain) => isWithin(hostname, domain));
}

/** What only says where a visitor came from. */
const TRACKING = /^(?:utm_\w+|gclid|fbclid|msclkid|spm)$/i;

/** The same for the spellings of one address: its scheme, `www.`, a slash at the end, marks of tracking. */
function keyOf(address: string): string {
  const url = new URL(address);
  for (const name of [...url.searchParams.keys()]) if (TRACKING.test(name)) url.searchParams.delete(name);
  return `${url.host.replace(/^www\./, "")}${url.pathname.replace(/(?<!\/)\/+$/, "")}${url.search}`;
}

function merge(known: FoundPage, other: FoundPage): FoundPage {
  return {
    url: known.url,
    title: known.title || other.title,
    date: known.date ?? other.date,
    passage: known.passage || other.passage,
  };
}
