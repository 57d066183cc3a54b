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

const addressStart = /^[\W_]*((?:https?:\/\/|www\.)[^\s/?#*~`]+)/i;

/** The host of an address as people read it; empty if there is none. */
export function hostOf(address: string): string {
  return URL.parse(address)?.host.replace(/^www\./, "") ?? "";
}

/** Where a link leads, if its text begins as the address of another place; null if it does not. */
export function findPlace(text: string, href: string): string | null {
  const written = addressStart.exec(text)?.[1];
  if (written === undefined) return null;
  const host = hostOf(href);
  return host !== "" && host === hostOf(/^www/i.test(written) ? `http://${written}` : written)
    ? null
    : host || new URL(href).pathname;
}
