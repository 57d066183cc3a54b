// What agents may read of the web with fetch_url. A misspelt value would permit what it was meant to forbid, so it
// becomes `problem`, and the tool then says it in place of reading anything.
import { toDomain } from "../lib/domain.ts";
import { problem, SettingProblem } from "./model-servers.ts";

export interface FetchSettings {
  offered: boolean;
  /** Whether an address must have been in a person's message or in a result. */
  named_only: boolean;
  robots: boolean;
  /** The operator's address, for sites that want to complain; null without one. */
  contact: string | null;
  /** For web_search too. In the form of `toDomain`. */
  domains: { allow: string[]; deny: string[] };
  /** What is wrong with a setting, in a sentence for the operator. */
  problem: string | null;
}

/** A longer list belongs into a proxy. */
const MAX_DOMAINS = 1000;

export function readFetchSettings(env: object): FetchSettings {
  const given = new Map(
    Object.entries(env).map(([name, value]) => [name, typeof value === "string" ? value.trim() : String(value ?? "")]),
  );
  const read = (name: string) => given.get(name) ?? "";
  try {
    return {
      offered: readWord("FETCH_URL", read, ["on", "off"]) === "on",
      named_only: readWord("FETCH_URL_ADDRESSES", read, ["named", "any"]) === "named",
      robots: readWord("FETCH_ROBOTS", read, ["0", "1"]) === "1",
      contact: readContact(read("FETCH_CONTACT")),
      domains: { allow: readDomains("WEB_DOMAINS_ALLOW", read), deny: readDomains("WEB_DOMAINS_DENY", read) },
      problem: null,
    };
  } catch (error) {
    if (!(error instanceof SettingProblem)) throw error;
    const domains = { allow: [], deny: [] };
    return { offered: true, named_only: true, robots: true, contact: null, domains, problem: error.message };
  }
}

type Read = (name: string) => string;

/** The first word is the default. */
function readWord(name: string, read: Read, words: [string, string]): string {
  const found = read(name) === "" ? words[0] : words.find((word) => word === read(name).toLowerCase());
  if (found === undefined) throw problem(name, `must be ${words.join(" or ")}`);
  return found;
}

/** It becomes a part of a header. */
function readContact(given: string): string | null {
  if (given === "") return null;
  if (!/^[!-'*-~]{3,200}$/.test(given)) {
    throw problem("FETCH_CONTACT", "must be an address such as https://example.com/bot or mail@example.com");
  }
  return given;
}

function readDomains(name: string, read: Read): string[] {
  const words = read(name)
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  if (words.length > MAX_DOMAINS) throw problem(name, `may have ${MAX_DOMAINS} domains at most`);
  return words.map((word, place) => {
    const domain = toDomain(word);
    if (domain === null) throw problem(name, `has no domain such as example.com at place ${place + 1}`);
    return domain;
  });
}
