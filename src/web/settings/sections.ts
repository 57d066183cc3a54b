// The sections as the address names them, and who sees which.
import type { Scope } from "../../protocol/keys/scope.ts";
import { type Account, mayDo } from "../state/account.ts";

/** With what a key must be able to do, any one of these, for the section to show anything. */
const needs = {
  keys: ["read"],
  sessions: ["write"],
  agents: ["read"],
  triggers: ["read"],
  webhooks: ["read"],
  slack: ["read"],
  git: ["read"],
  secrets: ["read"],
  users: ["admin"],
  // Of all users, or of oneself.
  usage: ["read", "admin"],
  audit: ["write", "admin"],
} as const satisfies Record<string, Scope[]>;
export type SectionName = keyof typeof needs;

/** `hasSessions`: whether people can sign in here without a key. */
export function listSections(
  account: Pick<Account, "scopes" | "session_id">,
  hasSessions: boolean,
): [SectionName, ...SectionName[]] {
  const [first = "keys", ...more] = (Object.keys(needs) as SectionName[]).filter(
    (name) =>
      needs[name].some((scope) => mayDo(account, scope)) &&
      (name !== "sessions" || hasSessions || account.session_id !== null),
  );
  return [first, ...more];
}

/** A name may be followed by what the section is to show. An unknown one (an old link, a typo), or one that this person does not see, means the first section. */
export function readSection(name: string, [first, ...more]: [SectionName, ...SectionName[]]): SectionName {
  return more.find((each) => each === name.split(" ")[0]) ?? first;
}
