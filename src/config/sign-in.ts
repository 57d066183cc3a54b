// How people sign in with OpenID Connect. A setting that is wrong would let the wrong people in, so it becomes
// `problem`: then nobody can sign in, keys keep working, and operators read the sentence where they look.
import { toDomain } from "../lib/domain.ts";
import { problem, SettingProblem, secret } from "./model-servers.ts";

export interface SignInSettings {
  /** As the operator wrote it: tokens and metadata must name exactly this. */
  issuer: string;
  client_id: string;
  /** Null for a public client, which proves itself with PKCE only. */
  client_secret: string | null;
  /** What the page's button says. */
  name: string;
  /** Separated by spaces; `openid` is one of them. */
  scopes: string;
  /** Whose verified emails make a user; `*` for everybody whom the issuer knows. In the form of `toDomain`. */
  allowed_domains: string[] | "*";
  /** Whether an email counts of which the issuer does not say that it is verified. */
  unverified_emails_trusted: boolean;
}

export interface SignInReading {
  /** Null if sign-in is not set up, or wrongly. */
  settings: SignInSettings | null;
  /** What is wrong with a setting, in a sentence for the operator that quotes nothing. */
  problem: string | null;
}

const ISSUER = "OIDC_ISSUER";
const DOMAINS = "OIDC_ALLOWED_DOMAINS";
const DEFAULT_SCOPES = "openid email profile";
const ADDRESS_CHARACTERS = 2048;
/** Fits on a button. */
const NAME_CHARACTERS = 40;
/** A longer list belongs into the issuer: it can refuse people, too. */
const MAX_DOMAINS = 100;
/** Far more than any issuer has. */
const SCOPES_CHARACTERS = 500;

export function readSignInSettings(env: object): SignInReading {
  const given = new Map(
    Object.entries(env).map(([name, value]) => [name, typeof value === "string" ? value.trim() : String(value ?? "")]),
  );
  const read = (name: string) => given.get(name) ?? "";
  try {
    return { settings: readAll(read), problem: null };
  } catch (error) {
    if (!(error instanceof SettingProblem)) throw error;
    return { settings: null, problem: error.message };
  }
}

/** Sentences for operators: what is wrong, and what lets strangers in. */
export function describeSignIn({ settings, problem }: SignInReading): string[] {
  if (problem !== null) return [`Nobody can sign in. ${problem}`];
  if (settings === null) return [];
  if (!isOpenToAll(settings.issuer)) return [];
  return [
    ...(settings.allowed_domains === "*"
      ? [`${DOMAINS} is *, so whoever has an account at the issuer can sign in, and anybody can make one there.`]
      : []),
    ...(settings.unverified_emails_trusted
      ? ["OIDC_TRUST_EMAIL is 1, and this issuer needs it not: anybody can make an account there."]
      : []),
  ];
}

/** Where anybody can make an account. */
function isOpenToAll(issuer: string): boolean {
  return new URL(issuer).hostname === "accounts.google.com";
}

type Read = (name: string) => string;

function readAll(read: Read): SignInSettings | null {
  if (read(ISSUER) === "" && read("OIDC_CLIENT_ID") === "") return null;
  const issuer = readIssuer(read(ISSUER));
  const trusted = read("OIDC_TRUST_EMAIL");
  if (!["", "0", "1"].includes(trusted)) throw problem("OIDC_TRUST_EMAIL", "must be 0 or 1");
  return {
    issuer,
    client_id: readClientId(read("OIDC_CLIENT_ID")),
    client_secret: readSecret(read("OIDC_CLIENT_SECRET")),
    name: readName(read("OIDC_NAME")) ?? new URL(issuer).hostname,
    scopes: readScopes(read("OIDC_SCOPES")),
    allowed_domains: readDomains(read(DOMAINS)),
    unverified_emails_trusted: trusted === "1",
  };
}

function readIssuer(given: string): string {
  if (given === "") throw problem(ISSUER, "is missing, and OIDC_CLIENT_ID is set");
  const url = given.length > ADDRESS_CHARACTERS ? null : URL.parse(given);
  if (url === null || !/^https?:$/.test(url.protocol)) throw problem(ISSUER, "must be an https address");
  if (url.protocol === "http:" && !isLoopback(url)) {
    throw problem(ISSUER, "must be an https address; http is for an issuer on this computer only");
  }
  if (url.username !== "" || url.password !== "") throw problem(ISSUER, "may not have a user name or password in it");
  if (/[?#]/.test(given)) throw problem(ISSUER, "may not have a query or a fragment");
  if (url.pathname.includes("/.well-known/")) {
    throw problem(ISSUER, "must be the issuer itself, without /.well-known/openid-configuration");
  }
  return given;
}

/** Whether the address is of this computer itself, as browsers and `fetch` read it. */
export function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}

function readClientId(given: string): string {
  if (given === "") throw problem("OIDC_CLIENT_ID", "is missing, and OIDC_ISSUER is set");
  if (!/^[!-~]{1,500}$/.test(given)) throw problem("OIDC_CLIENT_ID", "must be an id without spaces");
  return given;
}

function readSecret(given: string): string | null {
  if (given === "") return null;
  const read = secret.safeParse(given);
  if (!read.success) throw problem("OIDC_CLIENT_SECRET", read.error.issues[0]?.message ?? "is not a secret");
  return read.data;
}

function readName(given: string): string | null {
  if (given === "") return null;
  if (given.length > NAME_CHARACTERS || /\p{C}/u.test(given)) {
    throw problem("OIDC_NAME", `must be a name of at most ${NAME_CHARACTERS} characters`);
  }
  return given;
}

function readScopes(given: string): string {
  const words = given.split(/[\s,]+/).filter((word) => word !== "");
  if (words.length === 0) return DEFAULT_SCOPES;
  const scopes = [...new Set(["openid", ...words])].join(" ");
  if (scopes.length > SCOPES_CHARACTERS || !/^[!#-[\]-~ ]+$/.test(scopes)) {
    throw problem("OIDC_SCOPES", "must be scopes such as openid email profile");
  }
  return scopes;
}

function readDomains(given: string): string[] | "*" {
  const words = given
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  if (words.length === 1 && words[0] === "*") return "*";
  if (words.length > MAX_DOMAINS) throw problem(DOMAINS, `may have ${MAX_DOMAINS} domains at most`);
  return words.map((word, place) => {
    // Compared whole: `*.example.com` would promise what is not kept, and `a@example.com` names a person.
    const domain = /^[*.]|[*:]/.test(word) ? null : toDomain(word);
    if (domain === null || !domain.includes(".")) {
      throw problem(DOMAINS, `has no domain such as example.com at place ${place + 1}`);
    }
    return domain;
  });
}
