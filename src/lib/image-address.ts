// Decides which image addresses a model receives. The model's server fetches them inside somebody's network, so they
// follow the same rules as addresses of repositories and webhooks (public-url.ts). That server uses another parser than
// ours: Python's and Go's read backslashes, tabs, `http:/host` or a user before the host differently. So the checked
// form is the form that is sent: the address as the URL standard serializes it, with a host that every parser reads
// alike.
import { whyNotPublic } from "./public-url.ts";

export interface ImageRules {
  /** `data` permits only images inside their address, which nobody has to fetch. */
  image_urls: "public" | "data";
  /** Whether hosts may be loopback, link-local or private. */
  private_urls_allowed: boolean;
}

/** Skips what the parser would strip before a scheme. A data URL may have megabytes and is not parsed further. */
const dataScheme = /^[\0- ]*data:/i;
/**
 * Other characters that the URL standard permits in a host are read by other parsers as the host's end, or as a user
 * before it.
 */
const plainHost = /^(?:[a-z0-9._-]+|\[[0-9a-f:]+\])(?::\d+)?$/;

/** The address to send, or the end of a sentence that says what is wrong with it and quotes none of it. */
export function readImageAddress(address: string, rules: ImageRules): { url: string } | { wrong: string } {
  if (address.startsWith("data:")) return { url: address };
  if (dataScheme.test(address)) return { url: address.replace(dataScheme, "data:") };
  if (rules.image_urls === "data") {
    return {
      wrong: "must be a data: address, the only kind that this server permits: send the image itself, in base64",
    };
  }
  const url = URL.parse(address);
  if (url === null || !["https:", "http:"].includes(url.protocol) || !plainHost.test(url.host)) {
    return { wrong: "must be a public http or https address, or a data: address" };
  }
  if (url.username !== "" || url.password !== "") return { wrong: "must not contain a user or password" };
  const why = rules.private_urls_allowed ? null : whyNotPublic(url.href);
  if (why !== null) return { wrong: `${why}, and the server's settings don't permit that` };
  return { url: url.href };
}
