import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { type FakeIssuer, ISSUER, json, metadata, startFakeIssuer } from "../../test/fakes/issuer.ts";
import { readKeys } from "./keys.ts";
import { logoutAddress } from "./logout.ts";
import { readMetadata } from "./metadata.ts";

const WELL_KNOWN = "/.well-known/openid-configuration";
let fake: FakeIssuer;
beforeEach(async () => {
  fake = await startFakeIssuer();
});

const reasonOf = async (answer: () => Response | Promise<Response>) => {
  fake = await startFakeIssuer();
  fake.answers.set(WELL_KNOWN, answer);
  const read = await fake.issuer.readMetadata();
  return read.ok ? "accepted" : read.failure.reason;
};

describe("what an issuer says of itself", () => {
  it("is read once an hour, from the address that belongs to the setting", async () => {
    for (let asked = 0; asked < 3; asked++) expect((await fake.issuer.readMetadata()).ok).toBe(true);
    expect(fake.asked.map(({ url }) => url)).toEqual([`${ISSUER}${WELL_KNOWN}`]);
    fake.clock.now += 3_600_000;
    await fake.issuer.readMetadata();
    expect(fake.asked).toHaveLength(2);
    const path = await startFakeIssuer({ issuer: `${ISSUER}/realms/one/` });
    await path.issuer.readMetadata();
    expect(path.asked[0]?.url).toBe(`${ISSUER}/realms/one${WELL_KNOWN}`);
  });

  it("is not asked for again within five seconds after a failure", async () => {
    fake.answers.set(WELL_KNOWN, json({}, 503));
    for (let asked = 0; asked < 5; asked++) {
      expect(await fake.issuer.readMetadata()).toMatchObject({ ok: false, failure: { code: "unavailable" } });
    }
    expect(fake.asked).toHaveLength(1);
    fake.clock.now += 5_000;
    fake.answers.set(WELL_KNOWN, json(metadata));
    expect((await fake.issuer.readMetadata()).ok).toBe(true);
  });

  it("is asked for by few requests at once, however many begin a sign-in while it does not answer", async () => {
    for (const answer of [json(metadata), json({}, 503)]) {
      fake = await startFakeIssuer();
      const open = Promise.withResolvers<void>();
      fake.answers.set(WELL_KNOWN, () => open.promise.then(answer));
      const readings = Array.from({ length: 200 }, () => fake.issuer.readMetadata());
      await Promise.resolve();
      expect(fake.asked).toHaveLength(4);
      open.resolve();
      const [first, ...others] = await Promise.all(readings);
      for (const other of others) expect(other).toEqual(first);
      expect(fake.asked).toHaveLength(4);
    }
    // Requests that were cut off with their clients don't count for ever.
    fake = await startFakeIssuer();
    fake.answers.set(WELL_KNOWN, () => new Promise<Response>(() => {}));
    for (let cut = 0; cut < 4; cut++) void fake.issuer.readMetadata();
    fake.clock.now += 10_000;
    fake.answers.set(WELL_KNOWN, json(metadata));
    expect((await fake.issuer.readMetadata()).ok).toBe(true);
  });

  it("holds for that issuer only, and says to the operator what to change", async () => {
    expect(await reasonOf(json({ ...metadata, issuer: "https://other.example" }))).toContain("another issuer");
    expect(await reasonOf(json({ ...metadata, issuer: `${ISSUER}/` }))).toContain("ends with a slash");
    expect(await reasonOf(json({ ...metadata, issuer: "https://login.example/{tenantid}/v2.0" }))).toContain("tenants");
    expect(await reasonOf(json({ ...metadata, issuer: undefined }))).toContain("no issuer");
  });

  it("names https addresses only, and private ones only if the issuer is in a private network", async () => {
    const addresses = [
      "http://issuer.example/token",
      "http://localhost/token",
      "https://169.254.169.254/token",
      "https://localhost/token",
      "https://user:pass@issuer.example/token",
      "javascript:alert(1)",
      "/token",
      "",
      null,
      42,
      `https://issuer.example/${"a".repeat(3_000)}`,
    ];
    for (const address of addresses) {
      for (const name of ["authorization_endpoint", "token_endpoint", "jwks_uri"]) {
        expect([address, await reasonOf(json({ ...metadata, [name]: address }))]).toEqual([
          address,
          expect.stringContaining("endpoint"),
        ]);
      }
      const read = readMetadata({ ...metadata, end_session_endpoint: address }, ISSUER);
      expect(read).toMatchObject({ ok: true, value: { end_session_endpoint: null } });
    }
    const within = "https://sso.corp.internal";
    const own = { ...metadata, issuer: within, token_endpoint: "https://10.0.0.7/token" };
    expect(readMetadata(own, within).ok).toBe(true);
    const local = "http://127.0.0.1:9000";
    const all = { authorization_endpoint: `${local}/a`, token_endpoint: `${local}/t`, jwks_uri: `${local}/k` };
    expect(readMetadata({ issuer: local, ...all }, local).ok).toBe(true);
    expect(readMetadata({ issuer: local, ...all, jwks_uri: "http://192.168.1.1/k" }, local).ok).toBe(false);
  });

  it("is bounded: no redirect, no other form, no megabytes, no endless answer", async () => {
    const redirect = (status: number) => () =>
      new Response(null, { status, headers: { location: "https://evil.example" } });
    for (const status of [301, 302, 307, 308]) expect(await reasonOf(redirect(status))).toContain("redirect");
    expect(fake.asked[0]?.init.redirect).toBe("manual");
    expect(await reasonOf(() => new Response("<html>"))).toContain("without JSON");
    for (const body of [[], "text", null, 7]) expect(await reasonOf(json(body))).toContain("without JSON");
    expect(await reasonOf(json(metadata, 404))).toContain("404");
    expect(await reasonOf(json({ ...metadata, more: "x".repeat(1_000_000) }))).toContain("longer");
    const chunk = new TextEncoder().encode(" ".repeat(65_536));
    let sent = 0;
    const endless = () =>
      new ReadableStream({
        pull: (controller) => {
          sent += 1;
          controller.enqueue(chunk);
        },
      });
    expect(await reasonOf(() => new Response(endless()))).toContain("longer");
    expect(sent).toBeLessThan(10);
    expect(await reasonOf(() => Promise.reject(new TypeError("network")))).toBe("metadata: TypeError");
    expect(fake.asked[0]?.init.signal).toBeInstanceOf(AbortSignal);
  });

  it("never breaks the server, whatever it is", () => {
    const names = [...Object.keys(metadata), "token_endpoint_auth_methods_supported", "issuer"];
    const any = fc.dictionary(fc.constantFrom(...names), fc.anything());
    fc.assert(fc.property(any, (body) => readMetadata(body, ISSUER).ok === false || body.issuer === ISSUER));
    fc.assert(fc.property(fc.anything(), (keys) => typeof readKeys({ keys }).ok === "boolean"));
  });

  it("lets a client with a secret prove itself as the issuer takes it", () => {
    const proofOf = (methods: unknown) => {
      const read = readMetadata({ ...metadata, token_endpoint_auth_methods_supported: methods }, ISSUER);
      return read.ok && read.value.client_proof;
    };
    expect(proofOf(undefined)).toBe("basic");
    expect(proofOf(["client_secret_post", "client_secret_basic"])).toBe("basic");
    expect(proofOf(["private_key_jwt", "client_secret_post"])).toBe("post");
    expect(proofOf(["private_key_jwt", "none"])).toBeNull();
  });
});

describe("an issuer's keys", () => {
  const rsa = { kty: "RSA", n: "a".repeat(342), e: "AQAB" };

  it("are public keys for signatures, without whatever else is in them", () => {
    const keys = [{ ...rsa, kid: "1", x5c: ["AA=="], x5u: "https://evil.example", d: "private", key_ops: ["sign"] }];
    expect(readKeys({ keys })).toEqual({ ok: true, value: [{ ...rsa, kid: "1" }] });
    const others = [
      { ...rsa, use: "enc" },
      { kty: "oct", k: "c2VjcmV0" },
      { kty: "RSA", e: "AQAB" },
      { kty: "toString" },
      { ...rsa, n: "a".repeat(3_000) },
      { ...rsa, e: "a".repeat(300) },
      { ...rsa, kid: 7 },
      "key",
      null,
    ];
    expect(readKeys({ keys: [rsa, ...others] })).toEqual({ ok: true, value: [rsa] });
    for (const key of others) expect(readKeys({ keys: [key] }).ok).toBe(false);
  });

  it("are not too many", () => {
    expect(readKeys({ keys: Array.from({ length: 51 }, () => rsa) }).ok).toBe(false);
    expect(readKeys({ keys: {} }).ok).toBe(false);
  });
});

describe("signing out at the issuer", () => {
  it("leads to its page with the client and the way back", async () => {
    const address = await logoutAddress(fake.issuer.settings, "https://taskloom.example/", fake.issuer);
    const url = new URL(address ?? "");
    expect(url.origin + url.pathname).toBe(`${ISSUER}/logout`);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      locale: "en",
      client_id: fake.issuer.settings.client_id,
      post_logout_redirect_uri: "https://taskloom.example/",
    });
  });

  it("is left out where the issuer has no page for it, or a wrong one, or gives no answer", async () => {
    const addressWith = async (answer: () => Response) => {
      fake = await startFakeIssuer();
      fake.answers.set(WELL_KNOWN, answer);
      return await logoutAddress(fake.issuer.settings, "https://taskloom.example/", fake.issuer);
    };
    for (const end_session_endpoint of [undefined, "http://issuer.example/logout", "javascript:alert(1)", "//evil"]) {
      expect(await addressWith(json({ ...metadata, end_session_endpoint }))).toBeNull();
    }
    expect(await addressWith(json({}, 503))).toBeNull();
  });
});
