// Who somebody is, by what an issuer says of them. The issuer's id of the person decides. An email only says which user
// a person becomes the first time, so it counts only where the issuer vouches for it.
import type { SignInSettings } from "../config/sign-in.ts";
import { toDomain } from "../lib/domain.ts";
import { hashText, toHex } from "../lib/hash.ts";

export interface Person {
  /** SHA-256 of the issuer and its id of the person, hex. */
  identity: string;
  /** One that counts, in the form in which emails are compared; null without one. */
  email: string | null;
  name: string | null;
}

/** The longest that a mail server takes. */
const EMAIL_CHARACTERS = 254;
const NAME_CHARACTERS = 200;

export async function readPerson(settings: SignInSettings, sub: string, claims: Claims): Promise<Person> {
  const email = readEmail(claims.email);
  return {
    identity: toHex(await hashText(JSON.stringify([settings.issuer, sub]))),
    email: email !== null && isVouchedFor(settings, email, claims) ? email : null,
    name: readName(claims.name),
  };
}

/**
 * In place of an identity, for the tombstone of a user who never signed in: whoever proves that email stays out. No
 * identity looks so.
 */
export async function markOfEmail(email: string): Promise<string> {
  return `email:${toHex(await hashText(email.toLowerCase()))}`;
}

export interface Claims {
  email?: unknown;
  email_verified?: unknown;
  name?: unknown;
  /** Google's: the organization that the account belongs to. */
  hd?: unknown;
  /** Microsoft's: whether the email's domain belongs to the tenant. */
  xms_edov?: unknown;
}

/** Whether an issuer left something open that its `userinfo_endpoint` may say. */
export function isSilent({ unverified_emails_trusted }: SignInSettings, claims: Claims): boolean {
  return claims.email === undefined || (claims.email_verified === undefined && !unverified_emails_trusted);
}

/**
 * What an issuer says at two places. An email and whether it is verified are said together: taken from two places, they
 * could be of two emails.
 */
export function joinClaims(token: Claims, userinfo: Claims | null): Claims {
  const name = token.name ?? userinfo?.name;
  const isBetter =
    token.email_verified === undefined && (token.email === undefined || userinfo?.email_verified !== undefined);
  if (!isBetter || userinfo?.email === undefined) return { ...token, name };
  const { email, email_verified } = userinfo;
  return { email, email_verified, name, hd: token.hd };
}

/** Whether an email of that domain makes a user. The whole domain is compared, so a subdomain is another one. */
export function makesUser({ allowed_domains }: SignInSettings, email: string): boolean {
  return allowed_domains === "*" || allowed_domains.includes(domainOf(email));
}

/**
 * Lower case. Null for what is no plain address: quotes, comments and letters beyond ASCII look like another address to
 * people and programs.
 */
export function readEmail(given: unknown): string | null {
  if (typeof given !== "string" || given.length > EMAIL_CHARACTERS) return null;
  const parts = /^([!#-'*+\-./0-9=?A-Z^-~]+)@([A-Za-z0-9.-]+)$/.exec(given);
  const domain = parts?.[2] === undefined ? null : toDomain(parts[2]);
  // As written, but for case: what the URL parser reads as something else is no domain of an email.
  if (!parts || domain === null || domain !== parts[2]?.toLowerCase() || !domain.includes(".")) return null;
  return `${parts[1]?.toLowerCase()}@${domain}`;
}

function domainOf(email: string): string {
  return email.slice(email.lastIndexOf("@") + 1);
}

function isVouchedFor(settings: SignInSettings, email: string, claims: Claims): boolean {
  const { hostname } = new URL(settings.issuer);
  if (claims.email_verified === true) return hostname !== "accounts.google.com" || isGooglesOwn(email, claims);
  // An issuer that says `false` is believed.
  if (claims.email_verified !== undefined) return false;
  if (settings.unverified_emails_trusted) return true;
  const isMicrosoft = /^login\.microsoftonline\.(com|us)$/.test(hostname);
  return isMicrosoft && [true, 1, "1", "true"].some((word) => word === claims.xms_edov);
}

/**
 * Anybody can make a Google account with any address, which Google verified once. Only of its own mail and of its
 * organizations it knows that the address still belongs to the account.
 */
function isGooglesOwn(email: string, { hd }: Claims): boolean {
  return ["gmail.com", "googlemail.com"].includes(domainOf(email)) || (typeof hd === "string" && hd !== "");
}

/** For people to read: without what hides or breaks a line. */
function readName(given: unknown): string | null {
  if (typeof given !== "string") return null;
  const name = given
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "")
    .trim();
  return name === "" ? null : Array.from(name).slice(0, NAME_CHARACTERS).join("");
}
