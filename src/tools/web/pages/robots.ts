// robots.txt, by setting: whether a site lets this server's reader fetch an address (RFC 9309).
import robotsParser from "robots-parser";
import { createTimedCache, type TimedCache } from "../../../lib/timed-cache.ts";

/** The name that a robots.txt addresses. */
export const ROBOT_NAME = "Taskloom";
/** What the RFC has every reader parse. */
export const MAX_ROBOTS_BYTES = 512 * 1024;
/** An hour: the RFC allows a day, and a site that changes its mind should not wait for one. */
const KEEP_MS = 3_600_000;
/** Ten megabytes at most. */
const MAX_SITES = 20;

/** Some 50 ms: the parser tries each sign of a rule with wildcards at each place of the path. */
const MAX_WORK = 20_000_000;

export type Robots = TimedCache<string>;

export function createRobots(now: () => number = Date.now): Robots {
  return createTimedCache<string>({ now, keep_ms: KEEP_MS, max_entries: MAX_SITES });
}

/** `read`: the text of the file, "" if the site has none, null if that could not be known. */
export async function askRobots(
  robots: Robots,
  url: URL,
  read: (url: URL) => Promise<string | null>,
): Promise<"yes" | "no" | "unknown"> {
  const address = new URL("/robots.txt", url);
  const text = await robots.read(url.origin, () => read(address));
  if (text === null || workOf(text) * url.pathname.length > MAX_WORK) return "unknown";
  try {
    return robotsParser(address.href, foldAgents(text)).isAllowed(url.href, ROBOT_NAME) === false ? "no" : "yes";
  } catch {
    // A file that the parser fails on says nothing.
    return "yes";
  }
}

function workOf(text: string): number {
  return text.split("\n").reduce((sum, line) => sum + (line.includes("*") ? line.length : 0), 0);
}

/**
 * Names each reader once in a group, and all that are not this one as `other`. The parser keeps every rule for every
 * name of its group: with thousands of both that would take gigabytes.
 */
function foldAgents(text: string): string {
  const named = new Set<string>();
  let isInRules = true;
  const lines = text.split(/\r\n|\r|\n/).map((line) => {
    const [shown = ""] = line.split("#", 1);
    const colon = Math.max(0, shown.indexOf(":"));
    const field = shown.slice(0, colon).trim().toLowerCase();
    if (field !== "user-agent") {
      isInRules ||= field !== "";
      return line;
    }
    if (isInRules) named.clear();
    isInRules = false;
    const [name = ""] = shown
      .slice(colon + 1)
      .toLowerCase()
      .split("/", 1);
    const agent = [ROBOT_NAME.toLowerCase(), "*"].find((known) => known === name.trim()) ?? "other";
    if (named.has(agent)) return "";
    named.add(agent);
    return `User-agent: ${agent}`;
  });
  return lines.join("\n");
}
