import { base64url, exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { CLIENT, type FakeIssuer, ISSUER, json, startFakeIssuer } from "../../test/fakes/issuer.ts";
import { checkIdToken } from "./id-token.ts";

let fake: FakeIssuer;
beforeEach(async () => {
  fake = await startFakeIssuer();
});

const check = (id_token: string, access_token: string | null = null) =>
  checkIdToken(fake.issuer, { id_token, access_token }, "nonce-1");
const reasonOf = async (id_token: string, access_token: string | null = null) => {
  const checked = await check(id_token, access_token);
  return checked.ok ? "accepted" : checked.failure.reason;
};
const seconds = () => Math.floor(fake.clock.now / 1000);

describe("an ID token", () => {
  it("is accepted if the issuer made it for this client, this attempt and now", async () => {
    const checked = await check(await fake.sign({ email: "ada@example.com" }));
    expect(checked).toMatchObject({ ok: true, value: { sub: "person-1", email: "ada@example.com" } });
  });

  it("is accepted with each asymmetric algorithm", async () => {
    for (const algorithm of ["RS256", "PS384", "RS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]) {
      fake = await startFakeIssuer();
      await fake.rotate("key", algorithm);
      expect([algorithm, await reasonOf(await fake.sign())]).toEqual([algorithm, "accepted"]);
    }
  });

  it("is refused where a claim is of something else", async () => {
    const wrong: [Record<string, unknown>, string][] = [
      [{ iss: "https://other.example" }, "iss"],
      [{ iss: `${ISSUER}/` }, "iss"],
      [{ iss: undefined }, "iss"],
      [{ aud: "other" }, "aud"],
      [{ aud: [] }, "aud"],
      [{ aud: undefined }, "aud"],
      [{ aud: CLIENT.toUpperCase() }, "aud"],
      [{ nonce: "nonce-2" }, "nonce"],
      [{ nonce: undefined }, "nonce"],
      [{ nonce: ["nonce-1"] }, "nonce"],
      [{ sub: undefined }, "sub"],
      [{ sub: "" }, "subject"],
      [{ sub: 7 }, "sub"],
      [{ sub: "x".repeat(256) }, "subject"],
      [{ exp: undefined }, "exp"],
      [{ exp: "soon" }, "exp"],
      [{ iat: undefined }, "iat"],
      [{ aud: [CLIENT, "other"] }, "azp"],
      [{ azp: "other" }, "azp"],
      [{ aud: [CLIENT, "other"], azp: "other" }, "azp"],
      [{ at_hash: "x" }, "at_hash"],
    ];
    for (const [claims, named] of wrong) {
      const reason = await reasonOf(await fake.sign(claims));
      expect([claims, reason]).toEqual([claims, expect.stringMatching(new RegExp(`^ID token: .*${named}`))]);
    }
    expect(await reasonOf(await fake.sign({ aud: [CLIENT, "other"], azp: CLIENT }))).toBe("accepted");
  });

  it("is accepted a minute too late or too early, and not more", async () => {
    const of = async (claims: (now: number) => object) => await reasonOf(await fake.sign(claims(seconds()) as never));
    expect(await of((now) => ({ exp: now - 59 }))).toBe("accepted");
    expect(await of((now) => ({ exp: now - 61 }))).toContain("exp");
    expect(await of((now) => ({ nbf: now + 60 }))).toBe("accepted");
    expect(await of((now) => ({ nbf: now + 61 }))).toContain("nbf");
    expect(await of((now) => ({ iat: now + 60 }))).toBe("accepted");
    expect(await of((now) => ({ iat: now + 61 }))).toContain("future");
  });

  it("names its access token, where it names one", async () => {
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode("access")));
    const token = await fake.sign({ at_hash: base64url.encode(hash.slice(0, 16)) });
    expect(await reasonOf(token, "access")).toBe("accepted");
    expect(await reasonOf(token, "another")).toContain("at_hash");
    expect(await reasonOf(token, null)).toContain("at_hash");
  });

  it("is refused unsigned, and signed with what everybody knows", async () => {
    const claims = { iss: ISSUER, aud: CLIENT, sub: "person-1", nonce: "nonce-1", iat: seconds(), exp: seconds() + 60 };
    const reasons = [await reasonOf(new UnsecuredJWT(claims).encode())];
    await fake.rotate("key-1", "RS256");
    const jwks = await (await fake.answers.get("/keys")?.())?.json<{ keys: { n: string }[] }>();
    // Alg confusion: the public key as the secret of an HMAC.
    for (const secret of [jwks?.keys[0]?.n ?? "", "secret-of-the-tests".padEnd(64, "x")]) {
      for (const head of [{ kid: "key-1" }, {}]) {
        const forged = await new SignJWT(claims)
          .setProtectedHeader({ alg: "HS256", ...head })
          .sign(new TextEncoder().encode(secret));
        reasons.push(await reasonOf(forged));
      }
    }
    // Also where the issuer publishes such a key.
    fake.answers.set("/keys", json({ keys: [{ kty: "oct", k: "c2VjcmV0", kid: "key-1", alg: "HS256" }] }));
    for (const reason of reasons) expect(reason).toBe("ID token: ERR_JOSE_ALG_NOT_ALLOWED");
  });

  it("is checked with no key that it brings or names itself", async () => {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const jwk = await exportJWK(publicKey);
    const heads = [{ jwk }, { jku: "https://evil.example/keys" }, { x5u: "https://evil.example/x" }, { x5c: ["AA=="] }];
    for (const head of heads) expect(await reasonOf(await fake.sign({}, head, privateKey))).not.toBe("accepted");
    expect(await reasonOf(await fake.sign({}, { kid: "unknown", jwk }, privateKey))).not.toBe("accepted");
    expect(fake.asked.filter(({ url }) => !url.startsWith(ISSUER))).toEqual([]);
  });

  it("is refused changed, cut, or with an extension that nobody here understands", async () => {
    const token = await fake.sign();
    const [head = "", payload = "", signature = ""] = token.split(".");
    const other = base64url.encode(JSON.stringify({ ...JSON.parse(atob(payload)), sub: "person-2" }));
    const texts = [`${head}.${other}.${signature}`, `${head}.${payload}.`, `${head}.${payload}`, "", "a.b.c", "...."];
    for (const text of [...texts, "x".repeat(1_000_000)]) expect(await reasonOf(text)).toMatch(/^ID token: /);
    await expect(fake.sign({}, { crit: ["b64"], b64: false })).rejects.toThrow();
    const crit = base64url.encode(JSON.stringify({ alg: "ES256", kid: "key-1", crit: ["odd"], odd: 1 }));
    expect(await reasonOf(`${crit}.${payload}.${signature}`)).toContain("ERR_JOSE_NOT_SUPPORTED");
  });

  it("with a key that is new is accepted after the keys were read again, which happens every ten seconds at most", async () => {
    expect(await reasonOf(await fake.sign())).toBe("accepted");
    await fake.rotate("key-2");
    const reads = () => fake.asked.filter(({ url }) => url.endsWith("/keys")).length;
    // Read a moment ago: whoever sends unknown keys does not make us ask more often.
    for (let sent = 0; sent < 20; sent++) expect(await reasonOf(await fake.sign())).toContain("does not have");
    expect(reads()).toBe(1);
    fake.clock.now += 10_000;
    expect(await reasonOf(await fake.sign())).toBe("accepted");
    expect(reads()).toBe(2);
  });

  it("with a key that the issuer withdrew is refused within a quarter of an hour", async () => {
    const { privateKey } = await generateKeyPair("ES256");
    await fake.rotate("key-1");
    expect(await reasonOf(await fake.sign({}, {}, privateKey))).toContain("SIGNATURE");
    const old = fake.sign.bind(fake);
    expect(await reasonOf(await old())).toBe("accepted");
    const token = await old({ exp: seconds() + 3_600 });
    await fake.rotate("key-2");
    fake.clock.now += 15 * 60_000;
    expect(await reasonOf(token)).toContain("does not have");
  });
});
