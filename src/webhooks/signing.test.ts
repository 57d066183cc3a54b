import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { rotateKeys, type SigningKey } from "../secrets/rotated.ts";
import { makeSigningSecret, signDelivery, waitAfter, whyNoSigningSecret } from "./signing.ts";

const now = Date.now();
const inUse = (secret: string): SigningKey[] => [{ secret, until: null }];

describe("a signature", () => {
  it("is verified by the Standard Webhooks package, for any body", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 24, maxLength: 64 }),
        fc.string({ unit: "binary" }),
        async (key, text) => {
          const secret = `whsec_${Buffer.from(key).toString("base64")}`;
          expect(whyNoSigningSecret(secret)).toBeNull();
          const body = JSON.stringify({ text });
          const headers = await signDelivery("del_1", body, inUse(secret), now);
          expect(new Webhook(secret).verify(body, headers)).toEqual({ text });
        },
      ),
      { numRuns: 50 },
    );
  });

  it("equals what openssl computes from id, time and body", async () => {
    const secret = makeSigningSecret();
    const headers = await signDelivery("del_1", '{"a":"电商"}', inUse(secret), 1_700_000_000_999);
    const key = Buffer.from(secret.slice(6), "base64").toString("hex");
    const input = 'del_1.1700000000.{"a":"电商"}';
    const made = execFileSync("openssl", ["dgst", "-sha256", "-mac", "HMAC", "-macopt", `hexkey:${key}`, "-binary"], {
      input,
    });
    expect(headers).toEqual({
      "webhook-id": "del_1",
      "webhook-timestamp": "1700000000",
      "webhook-signature": `v1,${made.toString("base64")}`,
    });
  });

  it("is not verified over another body or id, with another secret, or later than five minutes", async () => {
    const secret = makeSigningSecret();
    const headers = await signDelivery("del_1", "{}", inUse(secret), now);
    const verifier = new Webhook(secret);
    expect(() => verifier.verify("{ }", headers)).toThrow(/No matching signature/);
    expect(() => verifier.verify("{}", { ...headers, "webhook-id": "del_2" })).toThrow(/No matching signature/);
    expect(() => new Webhook(makeSigningSecret()).verify("{}", headers)).toThrow(/No matching signature/);
    const old = await signDelivery("del_1", "{}", inUse(secret), now - 301_000);
    expect(() => verifier.verify("{}", old)).toThrow(/too old/);
  });
});

describe("a rotated secret", () => {
  const [first, second, third] = [makeSigningSecret(), makeSigningSecret(), makeSigningSecret()];

  it("signs together with the former one during the overlap, and alone afterwards", async () => {
    const keys = rotateKeys(inUse(first), second, 60_000, now);
    const during = await signDelivery("del_1", "{}", keys, now + 59_000);
    for (const secret of [first, second]) expect(new Webhook(secret).verify("{}", during)).toEqual({});
    expect(during["webhook-signature"]?.split(" ")).toHaveLength(2);
    const after = await signDelivery("del_1", "{}", keys, now + 60_000);
    expect(new Webhook(second).verify("{}", after)).toEqual({});
    expect(() => new Webhook(first).verify("{}", after)).toThrow(/No matching signature/);
  });

  it("ends all former secrets immediately without an overlap, and another rotation extends none of them", () => {
    const keys = rotateKeys(inUse(first), second, 60_000, now);
    expect(rotateKeys(keys, third, 0, now)).toEqual(inUse(third));
    const later = rotateKeys(keys, third, 600_000, now + 1_000);
    expect(later.map(({ secret, until }) => [secret, until && Date.parse(until) - now])).toEqual([
      [third, null],
      [second, 601_000],
      [first, 60_000],
    ]);
    let many = inUse(first);
    for (let time = 0; time < 20; time++) many = rotateKeys(many, makeSigningSecret(), 60_000, now);
    expect(many.length).toBe(4);
  });
});

describe("a user's own secret", () => {
  it.each([
    ["no prefix", Buffer.alloc(32).toString("base64")],
    ["too short a key", `whsec_${Buffer.alloc(23).toString("base64")}`],
    ["too long a key", `whsec_${Buffer.alloc(65).toString("base64")}`],
    ["base64 of addresses", "whsec_----------------------------------__________"],
    ["no padding", `whsec_${Buffer.alloc(32).toString("base64").replace("=", "")}`],
    ["a line feed", `whsec_${Buffer.alloc(32).toString("base64")}\n`],
    ["nothing", "whsec_"],
  ])("is refused with %s", (_what, secret) => {
    expect(whyNoSigningSecret(secret)).toMatch(/whsec_ and 24 to 64/);
  });
});

describe("the retry schedule", () => {
  it("begins within 30 s, grows, ends a day after the first try, and never exceeds the queue's longest delay", () => {
    for (const random of [0, 0.5, 0.999]) {
      const waits: number[] = [];
      for (let wait = waitAfter(1, null, random); wait !== null; wait = waitAfter(waits.length + 1, null, random)) {
        waits.push(wait);
      }
      expect(waits[0]).toBeLessThan(30_000);
      expect(waits).toEqual(waits.toSorted((one, other) => one - other));
      expect(Math.max(...waits)).toBeLessThan(12 * 3_600_000);
      const whole = waits.reduce((sum, wait) => sum + wait, 0) / 3_600_000;
      expect(whole).toBeGreaterThan(24);
      expect(whole).toBeLessThan(30);
    }
  });

  it("waits as long as a receiver asks for, within an hour and never shorter than scheduled", () => {
    expect(waitAfter(1, 120_000, 0)).toBe(120_000);
    expect(waitAfter(1, 99_999_999, 0)).toBe(3_600_000);
    expect(waitAfter(5, 1_000, 0)).toBe(3_600_000);
  });
});
