// An issuer of OpenID Connect in memory, with keys of its own. A test changes what it answers and what it signs.
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import type { SignInSettings } from "../../src/config/sign-in.ts";
import { createIssuer, type Issuer } from "../../src/sign-in/issuer.ts";

export const ISSUER = "https://issuer.example";
export const CLIENT = "client-of-the-tests";

export const signInSettings: SignInSettings = {
  issuer: ISSUER,
  client_id: CLIENT,
  client_secret: "secret-of-the-tests",
  name: "Example",
  scopes: "openid email profile",
  allowed_domains: ["example.com"],
  unverified_emails_trusted: false,
};

type Key = Awaited<ReturnType<typeof generateKeyPair>>["privateKey"];

export interface FakeIssuer {
  issuer: Issuer;
  /** Milliseconds; a test sets it. */
  clock: { now: number };
  /** What it is asked, in order. */
  asked: { url: string; init: RequestInit }[];
  /** What it answers, by path. */
  answers: Map<string, () => Response | Promise<Response>>;
  /** Publishes a new key in place of the others, and signs with it from now on. */
  rotate(kid: string, algorithm?: string): Promise<void>;
  /** An ID token; an undefined claim is left out. */
  sign(claims?: JWTPayload, head?: Record<string, unknown>, key?: Key): Promise<string>;
}

export const json =
  (body: unknown, status = 200) =>
  () =>
    Response.json(body, { status });

export const metadata = {
  issuer: ISSUER,
  authorization_endpoint: `${ISSUER}/authorize?tenant=one`,
  token_endpoint: `${ISSUER}/token`,
  jwks_uri: `${ISSUER}/keys`,
  userinfo_endpoint: `${ISSUER}/userinfo`,
  end_session_endpoint: `${ISSUER}/logout?locale=en`,
};

export async function startFakeIssuer(settings: Partial<SignInSettings> = {}): Promise<FakeIssuer> {
  const clock = { now: Date.UTC(2026, 10, 28, 12) };
  const asked: FakeIssuer["asked"] = [];
  const answers: FakeIssuer["answers"] = new Map([["/.well-known/openid-configuration", json(metadata)]]);
  let signing: { key: Key; kid: string; alg: string };
  const own = { ...signInSettings, ...settings };
  const issuer = createIssuer(own, {
    now: () => clock.now,
    send: async (url, init) => {
      asked.push({ url, init });
      return (await answers.get(new URL(url).pathname)?.()) ?? new Response("nothing here", { status: 404 });
    },
  });
  const fake: FakeIssuer = {
    ...{ issuer, clock, asked, answers },
    rotate: async (kid, alg = "ES256") => {
      const pair = await generateKeyPair(alg, { extractable: true });
      signing = { key: pair.privateKey, kid, alg };
      answers.set("/keys", json({ keys: [{ ...(await exportJWK(pair.publicKey)), kid, use: "sig", alg }] }));
    },
    sign: async (claims = {}, head = {}, key = signing.key) => {
      const seconds = Math.floor(clock.now / 1000);
      const usual = { iss: ISSUER, aud: CLIENT, sub: "person-1", nonce: "nonce-1", iat: seconds, exp: seconds + 300 };
      const payload = JSON.parse(JSON.stringify({ ...usual, ...claims }));
      return await new SignJWT(payload).setProtectedHeader({ alg: signing.alg, kid: signing.kid, ...head }).sign(key);
    },
  };
  await fake.rotate("key-1");
  return fake;
}
