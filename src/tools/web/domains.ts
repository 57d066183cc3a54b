// Which sites the web tools may use, by the operator's lists. A name stands for itself and all names below it. Pure.

export interface DomainRules {
  /** Empty: all. */
  allow: string[];
  /** Takes precedence. */
  deny: string[];
}

/** `host` as a URL has it, with or without a port. */
export function isAllowed(rules: DomainRules, host: string): boolean {
  if (rules.allow.length === 0 && rules.deny.length === 0) return true;
  const name = toDomain(host);
  if (name === null) return false;
  const isOneOf = (domains: string[]) => domains.some((domain) => name === domain || name.endsWith(`.${domain}`));
  return !isOneOf(rules.deny) && (rules.allow.length === 0 || isOneOf(rules.allow));
}

/**
 * The one form of a domain, which rules and hosts are compared in: lower case, punycode, without dots at its ends, port
 * or `*.` before it. Null if it is none.
 */
export function toDomain(text: string): string | null {
  const given = text.trim().replace(/^\*?\./, "");
  if (given === "" || /[\s/@?#\\]/.test(given)) return null;
  const host = URL.parse(`http://${given}`)?.hostname.replace(/\.+$/, "") ?? "";
  return host === "" ? null : host;
}
