// Signing in over https, as deployed: the cookies, and what is said where it is not set up.
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createClient } from "./http-client.ts";

const ISSUER = "https://issuer.example";
const HOST = "https://agent.example.com";
const settings = { OIDC_ISSUER: ISSUER, OIDC_CLIENT_ID: "taskloom", OIDC_ALLOWED_DOMAINS: "example.com" };

const usual = globalThis.fetch;
let nonce = "";

beforeAll(async () => {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const key = { ...(await exportJWK(publicKey)), kid: "1", alg: "ES256" };
  const now = Math.floor(Date.now() / 1000);
  const answers: Record<string, () => unknown> = {
    "/.well-known/openid-configuration": () => ({
      issuer: ISSUER,
      authorization_endpoint: `${ISSUER}/authorize`,
      token_endpoint: `${ISSUER}/token`,
      jwks_uri: `${ISSUER}/keys`,
    }),
    "/keys": () => ({ keys: [key] }),
    "/token": async () => ({
      id_token: await new SignJWT({ nonce, email: "ada@example.com", email_verified: true })
        .setProtectedHeader({ alg: "ES256", kid: "1" })
        .setIssuer(ISSUER)
        .setAudience("taskloom")
        .setSubject("ada")
        .setIssuedAt(now)
        .setExpirationTime(now + 300)
        .sign(privateKey),
    }),
  };
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) =>
    url.startsWith(ISSUER) ? Response.json(await answers[new URL(url).pathname]?.()) : usual(url, init),
  );
});
afterAll(() => {
  vi.unstubAllGlobals();
});

describe("sign-in", () => {
  it("binds its cookies to the host, and starts a session", async () => {
    const client = createClient(settings).as(null);
    const begun = await client.send("GET", `${HOST}/auth/sign-in?return_to=/%23thread=mine`);
    expect(begun.status).toBe(302);
    const [attempt = ""] = begun.headers.getSetCookie();
    expect(attempt).toMatch(
      /^__Host-taskloom-sign-in-[\w-]{12}=[\w-]+; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax; Secure$/,
    );
    const asked = new URL(begun.headers.get("location") ?? "").searchParams;
    expect(asked.get("redirect_uri")).toBe(`${HOST}/auth/callback`);
    nonce = asked.get("nonce") ?? "";
    const [cookie = ""] = attempt.split(";");
    const back = `${HOST}/auth/callback?code=c&state=${asked.get("state")}`;
    // A cookie without the prefix may come from a neighbour's subdomain.
    const planted = await client.send("GET", back, undefined, { cookie: cookie.replace("__Host-", "") });
    expect(planted.headers.get("location")).toBe(`${HOST}/?sign_in=expired`);
    const done = await client.send("GET", back, undefined, { cookie });
    expect([done.status, done.headers.get("location")]).toEqual([303, `${HOST}/#thread=mine`]);
    const set = done.headers.getSetCookie();
    expect(set).toEqual([
      expect.stringMatching(/^__Host-taskloom-sign-in-[\w-]{12}=; Path=\/; Max-Age=0; HttpOnly; SameSite=Lax; Secure$/),
      expect.stringMatching(/^__Host-taskloom-session=[^;]{20,}; .*Secure/),
    ]);
    expect(done.headers.get("referrer-policy")).toBe("no-referrer");
  });

  it("is begun by a person, and by no page of another site", async () => {
    const client = createClient(settings).as(null);
    for (const site of ["cross-site", "same-site"]) {
      for (const [asked, place] of [
        ["/%23thread=mine", "/#thread=mine"],
        ["//evil.example", "/"],
      ]) {
        const headers = { "sec-fetch-site": site };
        const sent = await client.send("GET", `${HOST}/auth/sign-in?return_to=${asked}`, undefined, headers);
        expect([sent.status, sent.headers.get("location")]).toEqual([302, HOST + place]);
        expect(sent.headers.getSetCookie()).toEqual([]);
      }
    }
    // The page's button, and an address that somebody typed.
    for (const site of ["same-origin", "none"]) {
      const { headers } = await client.send("GET", `${HOST}/auth/sign-in`, undefined, { "sec-fetch-site": site });
      expect(headers.get("location")).toContain(`${ISSUER}/authorize`);
    }
  });

  it("is refused over http, but on this computer", async () => {
    const client = createClient(settings).as(null);
    const insecure = await client.send("GET", "http://192.168.1.7:8787/auth/sign-in");
    expect(insecure.headers.get("location")).toBe("http://192.168.1.7:8787/?sign_in=insecure");
    expect(insecure.headers.getSetCookie()).toEqual([]);
    for (const host of ["http://localhost:8787", "http://127.0.0.1:8787", "http://[::1]:8787"]) {
      const { headers } = await client.send("GET", `${host}/auth/sign-in`);
      expect(headers.get("location")).toContain(`${ISSUER}/authorize`);
    }
  });

  it("answers 503 where it is not set up, and where a setting is wrong, which only operators read", async () => {
    const none = await createClient().as(null).send("GET", "/auth/sign-in");
    expect([none.status, none.body.code]).toEqual([503, "not_configured"]);
    const client = createClient({ ...settings, OIDC_ISSUER: "http://issuer.example" });
    for (const path of ["/auth/sign-in", "/auth/callback?code=c&state=s"]) {
      expect((await client.as(null).send("GET", path)).status).toBe(503);
    }
    expect((await client.send("GET", "/healthz")).body.sign_in).toBeNull();
    expect((await client.send("GET", "/v1/server")).body.warnings).toContainEqual(
      expect.stringMatching(/^Nobody can sign in\. .*OIDC_ISSUER/),
    );
    expect((await createClient(settings).send("GET", "/healthz")).body.sign_in).toEqual({ name: "issuer.example" });
  });

  it("is no way past the API key: a callback's cookie is no bearer, and /v1 asks for a key as before", async () => {
    const client = createClient(settings).as(null);
    expect((await client.send("GET", "/v1/users/me")).status).toBe(401);
  });
});
