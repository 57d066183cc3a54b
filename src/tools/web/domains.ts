// Which hosts the operator lets agents see. A domain stands for itself and all names below it.

export interface DomainRules {
  /** If there is one, only these. */
  allow: string[];
  /** These never, even where `allow` has them. */
  deny: string[];
}

export function isAllowed({ allow, deny }: DomainRules, host: string): boolean {
  const isBelow = (domain: string) => isWithin(host, domain);
  return !deny.some(isBelow) && (allow.length === 0 || allow.some(isBelow));
}

/** Whether a host is the domain or a name below it. */
export function isWithin(host: string, domain: string): boolean {
  const [name, parent] = [host, domain].map((text) => text.toLowerCase().replace(/\.+$/, ""));
  return name === parent || name?.endsWith(`.${parent}`) === true;
}
