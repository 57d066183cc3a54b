// Signatures that a person describes: an HMAC over what a template says.
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { now, reasonOf, seconds, secret, verify } from "../../test/fakes/signed-delivery.ts";
import type { TriggerVerification } from "../protocol/trigger.ts";
import { verifyDelivery } from "./verify.ts";

describe("HMAC", () => {
  type Hmac = Extract<TriggerVerification, { scheme: "hmac" }>;
  const plain: Hmac = {
    scheme: "hmac",
    header: "X-Signature",
    algorithm: "sha256",
    encoding: "hex",
    prefix: "",
    timestamp_header: null,
    signed: "{body}",
    id_header: null,
  };
  const mac = (text: string, { algorithm = "sha256", encoding = "hex" as "hex" | "base64" } = {}) =>
    createHmac(algorithm, secret).update(text).digest(encoding);

  it.each(["sha1", "sha256", "sha512"] as const)("accepts %s as hex and as base64", async (algorithm) => {
    for (const encoding of ["hex", "base64"] as const) {
      const headers = { "x-signature": `v0=${mac("{}", { algorithm, encoding })}` };
      const answer = verify({ ...plain, algorithm, encoding, prefix: "v0=" }, headers);
      expect(await reasonOf(answer)).toBe("accepted");
    }
  });

  it("accepts a signature with the name of its algorithm, and no other name", async () => {
    expect(await reasonOf(verify(plain, { "x-signature": `sha256=${mac("{}")}` }))).toBe("accepted");
    expect(await reasonOf(verify(plain, { "x-signature": `sha512=${mac("{}")}` }))).toMatch(/malformed/);
    const base64 = `sha256=${mac("{}", { encoding: "base64" })}`;
    expect(await reasonOf(verify({ ...plain, encoding: "base64" }, { "x-signature": base64 }))).toBe("accepted");
  });

  it("defaults to SHA-256 in hex of the body, with a time before it if there is one", async () => {
    const least = { scheme: "hmac", header: "X-Signature" } as const;
    expect(await reasonOf(verify(least, { "x-signature": mac("{}") }))).toBe("accepted");
    const timed = { ...least, timestamp_header: "X-Time" };
    const headers = { "x-signature": mac(`${seconds}.{}`), "x-time": String(seconds) };
    expect(await reasonOf(verify(timed, headers))).toBe("accepted");
    expect(await reasonOf(verify(timed, { ...headers, "x-signature": mac("{}") }))).toMatch(/is wrong/);
  });

  it("identifies a delivery by its body if nothing else does", async () => {
    const answers = await Promise.all(
      ["{}", "{}", "[]"].map((body) => verify(plain, { "x-signature": mac(body) }, { body })),
    );
    const [one, same, other] = answers.map((answer) => (answer.ok ? answer.value.identity : null));
    expect(one).toMatchObject({ kind: "body" });
    expect(same).toEqual(one);
    expect(other).not.toEqual(one);
  });

  it("signs what the template says: Slack's, with a time and a colon", async () => {
    const slack: Hmac = { ...plain, prefix: "v0=", timestamp_header: "X-Time", signed: "v0:{timestamp}:{body}" };
    const headers = { "x-time": String(seconds), "x-signature": `v0=${mac(`v0:${seconds}:{}`)}` };
    const answer = await verify(slack, headers);
    expect(answer).toMatchObject({
      ok: true,
      value: { identity: { kind: "named", id: expect.stringMatching(/^1780000000-[\da-f]{64}$/) } },
    });
    const old = { "x-time": String(seconds - 301), "x-signature": `v0=${mac(`v0:${seconds - 301}:{}`)}` };
    expect(await reasonOf(verify(slack, old))).toMatch(/too old/);
    const early = { "x-time": String(seconds + 400), "x-signature": `v0=${mac(`v0:${seconds + 400}:{}`)}` };
    expect(await reasonOf(verify(slack, early))).toMatch(/future/);
    expect(await reasonOf(verify(slack, { ...headers, "x-time": String(seconds - 1) }))).toMatch(/is wrong/);
    expect(await reasonOf(verify(slack, { "x-signature": headers["x-signature"] }))).toMatch(/X-Time is missing/);
  });

  it("reads a time and signatures in one header, as Stripe sends them", async () => {
    const name = "Stripe-Signature";
    const stripe: Hmac = {
      ...plain,
      header: name,
      prefix: "v1=",
      timestamp_header: name,
      signed: "{timestamp}.{body}",
    };
    const good = `v1=${mac(`${seconds}.{}`)}`;
    const check = (value: string) => reasonOf(verify(stripe, { [name]: value }));
    expect(await check(`t=${seconds},v1=${"0".repeat(64)},${good},v0=aa`)).toBe("accepted");
    expect(await check(`t=${seconds}, ${good}`)).toBe("accepted");
    expect(await check(good)).toMatch(/malformed/);
    expect(await check(`t=${seconds},t=${seconds},${good}`)).toMatch(/malformed/);
    expect(await check(`t=${seconds - 301},v1=${mac(`${seconds - 301}.{}`)}`)).toMatch(/too old/);
    expect(await check(`t=${seconds}`)).toMatch(/malformed/);
  });

  it("identifies a delivery by its id header if one is configured, and refuses deliveries without it", async () => {
    const named: Hmac = { ...plain, id_header: "X-Id", signed: "{id}|{body}" };
    const headers = { "x-id": "d-1", "x-signature": mac("d-1|{}") };
    expect(await verify(named, headers)).toMatchObject({ ok: true, value: { identity: { kind: "named", id: "d-1" } } });
    expect(await reasonOf(verify(named, { "x-signature": headers["x-signature"] }))).toMatch(/X-Id is missing/);
    expect(await reasonOf(verify(named, { ...headers, "x-id": "d-2" }))).toMatch(/is wrong/);
  });

  it("signs bytes, whether they are text or not", async () => {
    const body = Uint8Array.from([0xff, 0, 0xfe]);
    const headers = { "x-signature": createHmac("sha256", secret).update(body).digest("hex") };
    expect(await reasonOf(verify(plain, headers, { body }))).toBe("accepted");
  });

  it("never crashes on any headers", async () => {
    const value = fc.string({ unit: "binary-ascii", maxLength: 80 }).map((text) => text.replace(/[\0\r\n]/g, ""));
    await fc.assert(
      fc.asyncProperty(value, value, async (signature, time) => {
        const headers = { get: (name: string) => (name === "X-Time" ? time : signature) };
        for (const scheme of [
          { ...plain, timestamp_header: "X-Time", signed: "{timestamp}{body}" },
          { ...plain, timestamp_header: "X-Signature", encoding: "base64" as const, signed: "{timestamp}{body}" },
          { scheme: "standard" as const },
          { scheme: "github" as const },
        ]) {
          const delivery = { headers, body: new Uint8Array(), now };
          expect((await verifyDelivery(scheme, [secret], delivery)).ok).toBe(false);
        }
      }),
    );
  });
});
