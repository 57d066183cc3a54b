import { describe, expect, it } from "vitest";
import { type FakeIssuer, ISSUER, json, startFakeIssuer } from "../../test/fakes/issuer.ts";
import { askUserInfo, exchangeCode } from "./exchange.ts";
import type { IssuerMetadata } from "./metadata.ts";

const code = { code: "the code", verifier: "the verifier", redirect_uri: "https://taskloom.example/auth/callback" };
const tokens = { id_token: "a.b.c", access_token: "access", token_type: "Bearer" };

async function metadataOf(fake: FakeIssuer): Promise<IssuerMetadata> {
  const read = await fake.issuer.readMetadata();
  if (!read.ok) throw new Error(read.failure.reason);
  return read.value;
}

async function exchange(answer: () => Response, settings = {}, own: Partial<IssuerMetadata> = {}) {
  const fake = await startFakeIssuer(settings);
  fake.answers.set("/token", answer);
  const result = await exchangeCode(fake.issuer, { ...(await metadataOf(fake)), ...own }, code);
  const { init, url } = fake.asked.at(-1) ?? { url: "", init: {} };
  const headers = new Headers(init.headers);
  return { result, url, headers, form: Object.fromEntries(new URLSearchParams(String(init.body))), init };
}

const usual = {
  grant_type: "authorization_code",
  code: "the code",
  redirect_uri: "https://taskloom.example/auth/callback",
  code_verifier: "the verifier",
};

describe("the exchange of a code", () => {
  it("proves the client with its secret in the head, as RFC 6749 encodes it", async () => {
    const { result, url, headers, form, init } = await exchange(json(tokens), {
      client_id: "a:b",
      client_secret: "p+ö%/",
    });
    expect(result).toEqual({ ok: true, value: { id_token: "a.b.c", access_token: "access" } });
    expect([url, init.method, init.redirect]).toEqual([`${ISSUER}/token`, "POST", "manual"]);
    expect(atob(headers.get("authorization")?.slice("Basic ".length) ?? "")).toBe("a%3Ab:p%2B%C3%B6%25%2F");
    expect(form).toEqual(usual);
  });

  it("proves it in the body where the issuer takes that only", async () => {
    const { headers, form } = await exchange(json(tokens), {}, { client_proof: "post" });
    expect(headers.get("authorization")).toBeNull();
    expect(form).toEqual({ ...usual, client_id: "client-of-the-tests", client_secret: "secret-of-the-tests" });
  });

  it("sends no secret of a public client, and none where the issuer takes none", async () => {
    const { headers, form } = await exchange(json(tokens), { client_secret: null });
    expect(headers.get("authorization")).toBeNull();
    expect(form).toEqual({ ...usual, client_id: "client-of-the-tests" });
    const { result, url } = await exchange(json(tokens), {}, { client_proof: null });
    expect(result.ok).toBe(false);
    expect(url).not.toContain("/token");
  });

  it("says whom a refusal is about, in words of our own", async () => {
    const failureOf = async (answer: () => Response) => {
      const { result } = await exchange(answer);
      return result.ok ? null : result.failure;
    };
    expect(await failureOf(json({ error: "invalid_grant" }, 400))).toMatchObject({ code: "expired" });
    expect(await failureOf(json({ error: "invalid_client", error_description: "<b>psst</b>" }, 401))).toEqual({
      code: "rejected",
      reason: "token: status 401, invalid_client",
    });
    expect(await failureOf(json({ error: "<script>" }, 400))).toMatchObject({
      reason: "token: status 400, an unknown error",
    });
    expect(await failureOf(json({}, 500))).toMatchObject({ code: "unavailable" });
    const redirect = () => new Response(null, { status: 307, headers: { location: "https://evil.example" } });
    expect(await failureOf(redirect)).toMatchObject({ code: "rejected" });
    for (const body of [{}, { id_token: 7 }, { id_token: "" }, { id_token: "x".repeat(100_000) }]) {
      expect(await failureOf(json(body))).toMatchObject({ code: "rejected" });
    }
    expect(await failureOf(json({ id_token: "x".repeat(5_000_000) }))).toMatchObject({ code: "rejected" });
  });

  it("keeps an access token only if it fits into a head", async () => {
    for (const access_token of [undefined, 7, "", "a b", "a\r\nx-evil: 1"]) {
      const { result } = await exchange(json({ id_token: "a.b.c", access_token }));
      expect(result).toEqual({ ok: true, value: { id_token: "a.b.c", access_token: null } });
    }
  });
});

describe("what an issuer says beside the ID token", () => {
  it("counts for the person of the ID token only", async () => {
    const fake = await startFakeIssuer();
    const known = await metadataOf(fake);
    const ask = (answer: () => Response) => {
      fake.answers.set("/userinfo", answer);
      return askUserInfo(fake.issuer, known, "access", "person-1");
    };
    expect(await ask(json({ sub: "person-1", email: "ada@example.com" }))).toMatchObject({ email: "ada@example.com" });
    expect(new Headers(fake.asked.at(-1)?.init.headers).get("authorization")).toBe("Bearer access");
    expect(await ask(json({ sub: "person-2", email: "eve@example.com" }))).toBeNull();
    expect(await ask(json({ email: "eve@example.com" }))).toBeNull();
    expect(await ask(json({ sub: "person-1" }, 403))).toBeNull();
    expect(await ask(() => new Response("a.b.c", { headers: { "content-type": "application/jwt" } }))).toBeNull();
    expect(await askUserInfo(fake.issuer, { ...known, userinfo_endpoint: null }, "access", "person-1")).toBeNull();
    expect(await askUserInfo(fake.issuer, known, null, "person-1")).toBeNull();
  });
});
