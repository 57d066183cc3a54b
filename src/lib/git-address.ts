// Parses repository addresses as people and models write them: with or without a scheme, in SSH form, or copied from a
// page of the host that shows a branch. A repository is always cloned from an http or https address.

export interface GitAddress {
  /** The repository's own address. */
  url: string;
  /**
   * Branches that the address may name, most likely first; empty if it names none. Both a branch's name and the folder
   * after it may contain slashes: `/tree/feature/login` is branch `feature/login`, or `login` on branch `feature`.
   */
  branches: string[];
  /** A folder name for the checkout, from the last part of the path. */
  name: string;
}

const MAX_ADDRESS_CHARACTERS = 2000;

/** The address, or the end of a sentence that says what is wrong with it. */
export function readGitAddress(text: string): GitAddress | { wrong: string } {
  const given = text.trim();
  if (given.length > MAX_ADDRESS_CHARACTERS) return { wrong: `is longer than ${MAX_ADDRESS_CHARACTERS} characters` };
  if (/^(?:[/~]|\.\.?(?:\/|$)|file:)/i.test(given)) {
    return {
      wrong: "is a path, and not an https address: a command clones what is in the sandbox, by `git clone PATH`",
    };
  }
  const url = URL.parse(withScheme(given));
  if (url === null || url.hostname === "" || /\s/.test(given)) return { wrong: "is not the address of a repository" };
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return { wrong: "is not an http or https address; repositories are reached over https" };
  }
  if (url.username !== "" || url.password !== "") {
    return { wrong: "contains a user or password: leave them out, the credential that is stored for the host is used" };
  }
  const parts = url.pathname.split("/").filter((part) => part !== "");
  const { own, rest } = splitPage(url.hostname, parts);
  if (own.length === 0) return { wrong: "names a host and no repository" };
  return { url: `${url.origin}/${own.join("/")}`, branches: readBranches(rest), name: nameOf(own.at(-1) ?? "") };
}

/** `github.com/a/b` and `git@github.com:a/b.git` mean the https address. */
function withScheme(given: string): string {
  const ssh = /^(?:ssh:\/\/)?(?:git|[a-z][\w-]*)@([\w.-]+)(?::\d+(?=\/)|:(?!\/\/)|\/)\/?(.+)$/i.exec(given);
  if (ssh) return `https://${ssh[1]}/${ssh[2]}`;
  return /^[a-z][a-z0-9+.-]*:/i.test(given) && !/^[\w.-]+:\d+\//.test(given) ? given : `https://${given}`;
}

/** Splits the repository's own path from what a page of its host adds to it. */
function splitPage(host: string, parts: string[]): { own: string[]; rest: string[] } {
  const split = (at: number, words: number) => ({ own: parts.slice(0, at), rest: parts.slice(at + words) });
  const dash = parts.indexOf("-");
  if (dash >= 2) return { own: parts.slice(0, dash), rest: isPage(parts[dash + 1]) ? parts.slice(dash + 2) : [] };
  if (parts.length > 3 && isPage(parts[2])) return split(2, 1);
  if (parts.length > 4 && parts[2] === "src" && parts[3] === "branch") return split(2, 2);
  if (parts.length > 3 && parts[2] === "src" && /(^|\.)bitbucket\./.test(host)) return split(2, 1);
  return { own: parts, rest: [] };
}

function isPage(part: string | undefined): boolean {
  return part === "tree" || part === "blob";
}

function readBranches(rest: string[]): string[] {
  const [first] = rest;
  if (first === undefined) return [];
  return [...new Set([rest.join("/"), first])].map(decode).filter(isBranchName);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function nameOf(part: string): string {
  const name = decode(part)
    .replace(/\.git$/i, "")
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[.-]+/, "");
  return name === "" ? "repository" : name.slice(0, 100);
}

/** Git's own rules, and no name that a program could take for an option. */
export function isBranchName(name: string): boolean {
  const parts = name.split("/");
  return (
    name.length <= 255 &&
    name !== "@" &&
    name !== "HEAD" &&
    !/[\p{Cc} ~^:?*[\\]|\.\.|@\{/u.test(name) &&
    parts.every((part) => part !== "" && !/^[.-]|\.$|\.lock$/.test(part))
  );
}

/** Why nothing can be cloned into this folder of a sandbox, as the end of a sentence; null if it may be. */
export function whyNoCheckout(path: string): string | null {
  if (/\p{Cc}/u.test(path) || path.trim() !== path) return "contains a control character, or a space at an end";
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.some((part) => part.toLowerCase() === ".git")) return "leads into git's own folder";
  if (parts.includes("..")) return "must name its folder without `..`";
  if (parts.length === 0 || path === "~" || path === "~/")
    return "is not a folder of its own: name one in the work dir";
  return null;
}

/** Whether two URLs name the same repository, however they are written. */
export function isSameRepository(one: string | null, other: string): boolean {
  return one !== null && plainAddress(one) === plainAddress(other);
}

function plainAddress(text: string): string {
  const url = URL.parse(text);
  if (url === null) return text;
  return `${url.host}${url.pathname}`.replace(/(?<!\/)\/+$/, "").replace(/\.git$/, "");
}
