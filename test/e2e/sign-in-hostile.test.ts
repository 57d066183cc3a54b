// Signing in at an issuer that lies, drips, floods and redirects: nobody is signed in, the client's secret goes to
// nobody else, and the server continues.
import { base64url, exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openCookieClient, targetOf } from "../setup/cookie-client.ts";
import { startTaskloom, type Taskloom } from "./harness.ts";
import { type HostileIssuer, metadataOf, sendJson, startHostileIssuer } from "./hostile-issuer.ts";

const CLIENT = "taskloom";
const SECRET = "a-secret-that-must-not-leave";
const WELL_KNOWN = "/.well-known/openid-configuration";

let issuer: HostileIssuer;
let elsewhere: HostileIssuer;
let taskloom: Taskloom;

async function begin(): Promise<{ place: string; client: ReturnType<typeof openCookieClient> }> {
  const client = openCookieClient();
  const response = await client.get(`${taskloom.url}/auth/sign-in`);
  return { place: targetOf(response, taskloom.url), client };
}

/** Comes back with a code at once, and returns where that leads. */
async function signIn(): Promise<{ place: string; session: string | undefined }> {
  const { place, client } = await begin();
  if (!place.startsWith(issuer.url)) return { place: place.slice(taskloom.url.length), session: undefined };
  const asked = new URL(place).searchParams;
  issuer.nonce = asked.get("nonce") ?? "";
  const back = `${taskloom.url}/auth/callback?code=any&state=${asked.get("state")}`;
  const response = await client.get(back);
  const session = client.cookiesOf(taskloom.url).get("taskloom-session");
  return { place: targetOf(response, back).slice(taskloom.url.length), session };
}

/** Nobody is signed in, and the server serves others. */
async function expectRefusal(code = "rejected"): Promise<void> {
  expect(await signIn()).toEqual({ place: `/?sign_in=${code}`, session: undefined });
  expect((await fetch(`${taskloom.url}/healthz`)).status).toBe(200);
}

/** Forgets what is kept of the issuer, and how often this address failed. */
const forget = () => taskloom.runtime.restart();

describe("a hostile issuer", () => {
  beforeAll(async () => {
    issuer = await startHostileIssuer(CLIENT);
    elsewhere = await startHostileIssuer(CLIENT);
    taskloom = await startTaskloom({
      OIDC_ISSUER: issuer.url,
      OIDC_CLIENT_ID: CLIENT,
      OIDC_CLIENT_SECRET: SECRET,
      OIDC_ALLOWED_DOMAINS: "example.com",
    });
  });
  afterAll(async () => {
    await taskloom?.close();
    await Promise.all([issuer?.close(), elsewhere?.close()]);
  });
  afterEach(async () => {
    for (const each of [issuer, elsewhere]) each.reset();
    await forget();
  });

  it("signs people in as long as it does what is right", async () => {
    expect(await signIn()).toEqual({ place: "/", session: expect.stringMatching(/./) });
  });

  it("is not believed with metadata of another issuer, a redirect, or addresses that others can read", async () => {
    const answers: [string, unknown][] = [
      ["rejected", { ...metadataOf(elsewhere.url) }],
      ["rejected", { ...metadataOf(issuer.url), token_endpoint: "http://evil.example/token" }],
      ["rejected", { ...metadataOf(issuer.url), jwks_uri: "file:///etc/passwd" }],
      ["rejected", ["not", "an", "object"]],
    ];
    for (const [code, body] of answers) {
      issuer.acts.set(WELL_KNOWN, (_, response) => sendJson(response, body));
      await expectRefusal(code);
      await forget();
    }
    issuer.acts.set(WELL_KNOWN, (_, response) =>
      response.writeHead(302, { location: `${elsewhere.url}${WELL_KNOWN}` }).end(),
    );
    await expectRefusal();
    expect(elsewhere.heard).toEqual([]);
  });

  it("is left after eight seconds if it drips, and meanwhile others are served", async () => {
    issuer.acts.set(WELL_KNOWN, (_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const drip = setInterval(() => response.write(" "), 200);
      response.on("close", () => clearInterval(drip));
    });
    const started = Date.now();
    const pending = signIn();
    expect((await fetch(`${taskloom.url}/healthz`)).status).toBe(200);
    expect(await pending).toEqual({ place: "/?sign_in=unavailable", session: undefined });
    expect(Date.now() - started).toBeLessThan(20_000);
  });

  it("is not read to the end if its answers are huge", async () => {
    const flood = (response: Parameters<Parameters<typeof issuer.acts.set>[1]>[1]) => {
      const chunk = Buffer.alloc(64 * 1024, " ");
      const pour = (): void => {
        while (response.writable && response.write(chunk));
      };
      response.writeHead(200, { "content-type": "application/json" }).on("drain", pour);
      pour();
    };
    for (const path of [WELL_KNOWN, "/keys", "/token"]) {
      issuer.acts.set(path, (_, response) => flood(response));
      await expectRefusal();
      issuer.acts.clear();
      await forget();
    }
  });

  it("gets nobody in with keys by the thousand, or an ID token of megabytes", async () => {
    const jwk = { kty: "RSA", n: "a".repeat(342), e: "AQAB" };
    const many = JSON.stringify({ keys: Array.from({ length: 20_000 }, () => jwk) });
    issuer.acts.set("/keys", (_, response) => response.end(many));
    await expectRefusal();
    await forget();
    issuer.acts.set("/keys", (_, response) => sendJson(response, { keys: Array.from({ length: 500 }, () => jwk) }));
    await expectRefusal();
    issuer.acts.clear();
    await forget();
    issuer.makeToken = async (nonce) =>
      new SignJWT({ ...issuer.claimsFor(nonce), more: "x".repeat(3_000_000) })
        .setProtectedHeader({ alg: "RS256", kid: "key-1" })
        .sign(issuer.signing.privateKey);
    await expectRefusal();
  });

  it("gets the client's secret sent to nobody else by a redirect", async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      issuer.acts.set("/token", (_, response) =>
        response.writeHead(status, { location: `${elsewhere.url}/token` }).end(),
      );
      await expectRefusal();
    }
    expect(elsewhere.heard).toEqual([]);
  });

  it("gets nobody in with tokens that nobody signed, or that somebody else signed", async () => {
    const other = await generateKeyPair("RS256", { extractable: true });
    const jwk = await exportJWK(other.publicKey);
    const published = await (await fetch(`${issuer.url}/keys`)).json();
    const { n } = (published as { keys: { n: string }[] }).keys[0] ?? { n: "" };
    elsewhere.acts.set("/keys", (_, response) => sendJson(response, { keys: [{ ...jwk, kid: "key-1" }] }));
    const head = { alg: "RS256", kid: "key-1" };
    const right = issuer.makeToken;
    const makers: ((nonce: string) => Promise<string>)[] = [
      async (nonce) => new UnsecuredJWT(issuer.claimsFor(nonce)).encode(),
      (nonce) => new SignJWT(issuer.claimsFor(nonce)).setProtectedHeader({ ...head, jwk }).sign(other.privateKey),
      (nonce) =>
        new SignJWT(issuer.claimsFor(nonce))
          .setProtectedHeader({ ...head, jku: `${elsewhere.url}/keys` })
          .sign(other.privateKey),
      (nonce) =>
        new SignJWT(issuer.claimsFor(nonce))
          .setProtectedHeader({ alg: "HS256", kid: "key-1" })
          .sign(base64url.decode(n)),
      (nonce) =>
        new SignJWT(issuer.claimsFor(nonce))
          .setProtectedHeader({ alg: "HS256" })
          .sign(new TextEncoder().encode(SECRET.padEnd(40, "-"))),
      async (nonce) => `${(await right(nonce)).split(".").slice(0, 2).join(".")}.`,
      async () => "a.b.c",
    ];
    for (const maker of makers) {
      issuer.makeToken = maker;
      await expectRefusal();
    }
    expect(elsewhere.heard).toEqual([]);
  });

  it("gets nobody in with a token of another attempt, for another client, or of another issuer", async () => {
    const first = await begin();
    const nonce = new URL(first.place).searchParams.get("nonce") ?? "";
    const sign = (claims: object) => () =>
      new SignJWT({ ...issuer.claimsFor(issuer.nonce), ...claims })
        .setProtectedHeader({ alg: "RS256", kid: "key-1" })
        .sign(issuer.signing.privateKey);
    for (const claims of [
      { nonce },
      { aud: "other" },
      { aud: [CLIENT, "other"] },
      { iss: elsewhere.url },
      { exp: 1 },
    ]) {
      issuer.makeToken = sign(claims);
      await expectRefusal();
    }
  });

  it("is taken as unavailable while it fails, and asked again soon", async () => {
    for (const [path, status] of [
      ["/token", 429],
      ["/keys", 503],
      [WELL_KNOWN, 500],
    ] as const) {
      issuer.acts.set(path, (_, response) => response.writeHead(status).end("<h1>down</h1>"));
      await expectRefusal("unavailable");
      issuer.acts.clear();
      if (path !== WELL_KNOWN) await forget();
    }
    await expect.poll(async () => (await signIn()).place, { interval: 1_000 }).toBe("/");
    issuer.acts.set("/token", (request) => request.socket.destroy());
    await expectRefusal("unavailable");
  });
});
