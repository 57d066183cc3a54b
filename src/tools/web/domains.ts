// Which hosts the operator lets agents see. A domain stands for itself and all names below it.
import { toDomain } from "../../lib/domain.ts";

export interface DomainRules {
  /** If there is one, only these. */
  allow: string[];
  /** These never, even where `allow` has them. */
  deny: string[];
}

/** `host` as a URL has it, with or without a port. A host that can't be read is allowed only where nothing is ruled. */
export function isAllowed({ allow, deny }: DomainRules, host: string): boolean {
  if (allow.length === 0 && deny.length === 0) return true;
  if (toDomain(host) === null) return false;
  const isBelow = (domain: string) => isWithin(host, domain);
  return !deny.some(isBelow) && (allow.length === 0 || allow.some(isBelow));
}

/** Whether a host is the domain or a name below it. */
export function isWithin(host: string, domain: string): boolean {
  const [name, parent] = [toDomain(host), toDomain(domain)];
  if (name === null || parent === null) return false;
  return name === parent || name.endsWith(`.${parent}`);
}
