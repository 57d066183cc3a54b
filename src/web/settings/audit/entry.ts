// An entry of the audit as a sentence, such as “Ada deleted the key “laptop””.
import type { AuditAction, AuditEntry, AuditSource } from "../../../protocol/people/audit.ts";
import type { acts, cases, words } from "./words.ts";

/** A later server may have other actions and sources. */
export type Entry = Omit<AuditEntry, "action" | "source"> & {
  action: string;
  source: AuditSource | { type: "unknown" };
};

export interface Names {
  /** Who looks at the audit. */
  own: string;
  /** Null for an id whose name is not known. */
  user(id: string): string | null;
  key(id: string): string | null;
}

interface Said {
  acts: (typeof acts)["en"];
  cases: (typeof cases)["en"];
  words: (typeof words)["en"];
}

export function sayEntry(entry: Entry, every: Said, names: Names): string {
  const said = every.words;
  const act = findAct(entry, every);
  const who = sayActor(entry, said, names);
  const what = sayTarget(entry, said, names);
  // Whoever was refused at the sign-in did nothing else.
  const isDone = entry.outcome === "done" || entry.action === "sign_in.refuse";
  const sentence =
    act === null
      ? said.did(who, said.unknownAct(entry.action), what)
      : isDone
        ? said.did(who, act.done, what)
        : said.tried(who, act.plain, what);
  const { user_id, actor_id } = entry;
  const isOthers = user_id !== null && user_id !== actor_id && !entry.action.startsWith("user.") && actor_id !== null;
  return isOthers ? said.of(sentence, isolate(names.user(user_id) ?? user_id)) : sentence;
}

function findAct({ action, target, details }: Entry, { acts: known, cases: special }: Said) {
  if (action === "session.delete" && details.reason === "sign_out") return special.sign_out;
  if (action === "session.delete" && target === null) return special.all_sessions;
  if (details.first_sign_in === true) return special.first_sign_in;
  if (isAboutWork(target)) return action === "approval.approve" ? special.say_yes : special.say_no;
  if (isAboutCap(target)) return action === "approval.approve" ? special.raise_cap : special.keep_cap;
  // An admin ends a session as a key.
  if (action === "api_key.delete" && target?.startsWith("sess_")) return known["session.delete"];
  return Object.hasOwn(known, action) ? known[action as AuditAction] : null;
}

/** What a run at a cap asks has no tool call behind it: the id names the run. */
const CAP = "int_budget_";

/** So has what a run asks about its finished work. */
const WORK = "int_chk_";

function isAboutWork(target: string | null): boolean {
  return target?.startsWith(WORK) === true;
}

function isAboutCap(target: string | null): boolean {
  return target?.startsWith(CAP) === true;
}

/** Whoever comes in or is refused is nobody before that. */
function isEntering({ action, details }: Pick<Entry, "action" | "details">): boolean {
  return action === "session.create" || action === "sign_in.refuse" || details.first_sign_in === true;
}

function sayActor(entry: Entry, said: Said["words"], names: Names): string {
  const { actor_id: actor, user_id, source, details } = entry;
  if (source.type === "agent") return said.agent;
  if (source.type === "slack") return said.somebodyInSlack;
  if (source.type === "server" || details.reason === "copied_cookie") return said.server;
  const actor_id = actor ?? (isEntering(entry) ? user_id : null);
  if (actor_id === null) return said.somebody;
  return actor_id === names.own ? said.you : isolate(names.user(actor_id) ?? actor_id);
}

function sayTarget({ action, target, details }: Entry, said: Said["words"], names: Names): string {
  if (isEntering({ action, details })) return "";
  const { name, tool } = details;
  if (isAboutWork(target) && typeof details.invocation_id === "string") return isolate(details.invocation_id);
  const known = [name, tool].find((each) => typeof each === "string" && each !== "");
  if (typeof known === "string") return said.name(isolate(known));
  if (target === null || target.startsWith("sess_")) return "";
  if (isAboutCap(target)) return isolate(target.slice(CAP.length));
  const found = action.startsWith("user.")
    ? names.user(target)
    : action.startsWith("api_key.")
      ? names.key(target)
      : null;
  return found === null ? isolate(target) : said.name(isolate(found));
}

/** From where, by what, and what else the entry has for people. */
export function describeEntry(
  { key_id, source, details, outcome }: Entry,
  said: Said["words"],
  names: Names,
): string[] {
  const by =
    key_id === null
      ? null
      : key_id === "admin_key"
        ? said.byAdminKey
        : key_id.startsWith("sess_")
          ? said.bySession
          : said.by(isolate(names.key(key_id) ?? key_id));
  const address = source.type === "http" ? source.address : null;
  return [
    by,
    address !== null && said.from(address),
    typeof details.fields === "string" && said.fields(details.fields),
    typeof details.caps === "string" && said.limits(details.caps),
    typeof details.quotas === "string" && said.quotas(details.quotas),
    details.made === "revoke" && said.withMade,
    details.reason === "copied_cookie" && said.copied,
    typeof details.email === "string" && said.email(isolate(details.email)),
    typeof details.code === "string" && outcome !== null && said.reason(details.code),
  ].filter((each) => typeof each === "string");
}

/** A name in another writing direction does not turn its sentence around. */
function isolate(name: string): string {
  return `\u2068${name}\u2069`;
}
