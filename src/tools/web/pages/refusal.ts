// What to do about an answer that is no page: each sentence says what happened and how to get on.
import { readRetryAfter } from "../../../lib/retry.ts";

const OTHER_SOURCE = "look for the same facts in another source";

/** Null for a success. Complete sentences, without the address. */
export function describeStatus(status: number, headers: Headers): string | null {
  if (status >= 200 && status < 300 && status !== 204 && status !== 205) return null;
  const wall = wallOf(headers);
  if (wall !== null && [401, 403, 405, 406, 429, 503].includes(status)) return describeWall(wall, status);
  const known = sentences[status];
  if (known !== undefined) return known;
  if (status === 429 || (status === 503 && headers.has("retry-after"))) return describeWait(status, headers);
  if (status >= 500) return `The site has an error of its own (${status}): try once more later, or ${OTHER_SOURCE}.`;
  if (status >= 300 && status < 400)
    return `The site answered with a redirect that leads nowhere (${status}): ${OTHER_SOURCE}.`;
  return `The site refused the request (${status}): check the address, or ${OTHER_SOURCE}.`;
}

const sentences: Record<number, string | undefined> = {
  204: "The site answered without any content (204): check the address.",
  205: "The site answered without any content (205): check the address.",
  401: `The page needs a login (401), and this tool has no accounts: ask the person for its text, or ${OTHER_SOURCE}. An API with a key belongs in the sandbox.`,
  402: `The page must be paid for (402): ${OTHER_SOURCE}, or ask the person for its text.`,
  403: `The site does not let this reader in (403), and asking again does not change that: ${OTHER_SOURCE}, or ask the person for the text.`,
  404: "There is no page at this address (404): check it against where you found it, or look for the page by its title.",
  410: `The page was removed for good (410): ${OTHER_SOURCE}.`,
  451: `The page is withheld for legal reasons (451): ${OTHER_SOURCE}.`,
};

function describeWait(status: number, headers: Headers): string {
  const wait = readRetryAfter(headers);
  const seconds = wait === null ? null : Math.ceil(wait / 1000);
  if (seconds === null || seconds === 0)
    return `The site has had too many requests (${status}): wait, or ${OTHER_SOURCE}.`;
  // Its own words may ask for a day.
  const asks = seconds > MAX_WAIT_SECONDS ? "for longer than is worth waiting" : `for ${seconds} s`;
  return `The site has had too many requests (${status}) and asks to wait ${asks}: ${OTHER_SOURCE} meanwhile.`;
}

const MAX_WAIT_SECONDS = 600;

/** By what it names itself in its headers. */
function wallOf(headers: Headers): string | null {
  if (headers.get("cf-mitigated") === "challenge") return "Cloudflare";
  if (headers.has("x-datadome") || headers.has("x-dd-b")) return "DataDome";
  if (headers.has("x-px-captcha") || headers.has("x-px")) return "PerimeterX";
  if (/awswaf|challenge|captcha/i.test(headers.get("x-amzn-waf-action") ?? "")) return "AWS WAF";
  return null;
}

function describeWall(wall: string | null, status: number): string {
  const by = wall === null ? "" : ` of ${wall}`;
  const shown = status === 200 ? "" : ` (${status})`;
  return `The site stands behind a check${by} for people with browsers${shown}, and this tool does not get around it: ${OTHER_SOURCE}, or ask the person for the text.`;
}

/** Titles of pages that ask whether a person is there. */
const wallTitle =
  /^(?:just a moment|attention required!? \| cloudflare|access denied|are you (?:a )?(?:human|robot)|please verify|robot check|verify(?:ing)? (?:you are|that you)|security check|checking your browser|ddos-guard|pardon our interruption|人机验证|安全验证|百度安全验证|验证码)/i;
/** Such a page says little else. */
const WALL_LENGTH = 1500;

/** A sentence if a page that came as a success is such a check; null if it is none. */
export function findWall(title: string | null, text: string): string | null {
  return title !== null && text.length < WALL_LENGTH && wallTitle.test(title.trim()) ? describeWall(null, 200) : null;
}
