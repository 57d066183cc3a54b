// Which addresses of images a model is sent. The model's server fetches them inside somebody's network, so they are judged
// like addresses of repositories and webhooks (public-url.ts). It reads them by another parser than ours: Python's and Go's
// take backslashes, tabs, `http:/host` or a user before the host otherwise. So what was judged is what is sent: the address
// as the URL standard writes it, with a host that every parser reads alike.
import { whyNotPublic } from "./public-url.ts";

export interface ImageRules {
  /** `data`: only an image that is in its address, which nobody has to fetch. */
  image_urls: "public" | "data";
  /** Whether hosts may be loopback, link-local or private. */
  private_urls_allowed: boolean;
}

/** What the parser would leave out before a scheme; an image in its address may be megabytes, and is parsed no further. */
const dataScheme = /^[\0- ]*data:/i;
/** What the URL standard lets a name hold beside these is read by others as the host's end, or as a user before it. */
const plainHost = /^(?:[a-z0-9._-]+|\[[0-9a-f:]+\])(?::\d+)?$/;

/** The address to send, or the end of a sentence that says what is wrong with it and quotes nothing of it. */
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
  if (url.username !== "" || url.password !== "") return { wrong: "must hold no user or password" };
  const why = rules.private_urls_allowed ? null : whyNotPublic(url.href);
  if (why !== null) return { wrong: `${why}, and the server's settings don't permit that` };
  return { url: url.href };
}
