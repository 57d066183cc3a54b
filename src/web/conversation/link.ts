// Which addresses of a model's text become links.
import { bringsKey } from "../state/fragment.ts";

/** An address that a browser may open; null for any other, for an invalid one, and for one that signs in here. */
export function readLink(href: string): string | null {
  try {
    const url = new URL(href);
    return ["http:", "https:", "mailto:"].includes(url.protocol) && !bringsKey(url) ? url.href : null;
  } catch {
    return null;
  }
}
