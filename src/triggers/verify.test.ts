import { createHmac } from "node:crypto";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import type { TriggerVerification } from "../protocol/trigger.ts";
import { findSecretFault, makeSecret } from "../secrets/signing-secret.ts";
import { verifyDelivery } from "./verify.ts";

const now = 1_780_000_000_000;
const seconds = now / 1000;
const standardSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const otherSecret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const secret = "It's a Secret to Everybody";

function verify(
  verification: TriggerVerification,
  headers: Record<string, string> | Headers,
  { body = "{}", secrets = [secret] }: { body?: string | Uint8Array; secrets?: string[] } = {},
) {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return verifyDelivery(verification, secrets, { headers: new Headers(headers), body: bytes, now });
}

async function reasonOf(answer: ReturnType<typeof verify>): Promise<string> {
  const verified = await answer;
  if (verified.ok) return "accepted";
  expect(verified.error.code).toBe("unauthorized");
  return verified.error.detail;
}

describe("Standard Webhooks", () => {
  const standard = { scheme: "standard" } as const;
  const sign = (body: string, { key = standardSecret, id = "msg_1", at = seconds } = {}) => ({
    "webhook-id": id,
    "webhook-timestamp": String(at),
    "webhook-signature": new Webhook(key).sign(id, new Date(at * 1000), body),
  });
  const check = (headers: Record<string, string> | Headers, body = "{}", secrets = [standardSecret]) =>
    verify(standard, headers, { body, secrets });

  it("accepts what its own library signed, for any body", async () => {
    const text = fc.string({ unit: "grapheme", maxLength: 50 });
    await fc.assert(
      fc.asyncProperty(text, async (body) => {
        const answer = await check(sign(body), body);
        expect(answer).toEqual({ ok: true, value: { identity: { kind: "named", id: "msg_1" }, event: null } });
      }),
      { numRuns: 50 },
    );
  });

  it("accepts a key with and without its prefix, and a generated one", async () => {
    const bare = standardSecret.slice("whsec_".length);
    expect(await reasonOf(check(sign("{}"), "{}", [bare]))).toBe("accepted");
    const made = makeSecret(standard);
    expect(await reasonOf(check(sign("{}", { key: made }), "{}", [made]))).toBe("accepted");
  });

  it("accepts Svix's header names, but no mixture of both sets", async () => {
    const entries = Object.entries(sign("{}"));
    const branded = Object.fromEntries(entries.map(([name, value]) => [name.replace("webhook-", "svix-"), value]));
    expect(await reasonOf(check(branded))).toBe("accepted");
    expect(await reasonOf(check({ ...branded, "svix-id": "msg_2" }))).toMatch(/svix-signature is wrong/);
    expect(await reasonOf(check({ ...branded, "webhook-id": "msg_2" }))).toMatch(/webhook-timestamp is missing/);
  });

  it("accepts one valid signature of several, and either of two secrets", async () => {
    const headers = sign("{}");
    const other = sign("{}", { key: otherSecret })["webhook-signature"];
    const several = { ...headers, "webhook-signature": `v1a,AAAA ${other} ${headers["webhook-signature"]}` };
    expect(await reasonOf(check(several))).toBe("accepted");
    expect(await reasonOf(check(headers, "{}", [otherSecret, standardSecret]))).toBe("accepted");
  });

  it.each([
    ["another secret", sign("{}", { key: otherSecret }), /signature .* is wrong/],
    ["another body", sign("[]"), /signature .* is wrong/],
    ["another id", { ...sign("{}"), "webhook-id": "msg_2" }, /signature .* is wrong/],
    ["another time", { ...sign("{}"), "webhook-timestamp": String(seconds - 1) }, /signature .* is wrong/],
    ["no signature", { ...sign("{}"), "webhook-signature": "" }, /webhook-signature is missing/],
    ["a signature of no version", { ...sign("{}"), "webhook-signature": "v2,AAAA" }, /signature .* is wrong/],
    ["a signature that is none", { ...sign("{}"), "webhook-signature": "v1" }, /webhook-signature is malformed/],
    ["a signature that is no base64", { ...sign("{}"), "webhook-signature": "v1,A" }, /is wrong/],
    ["a time with a fraction", { ...sign("{}"), "webhook-timestamp": `${seconds}.5` }, /holds no time/],
    ["a time in words", { ...sign("{}"), "webhook-timestamp": "now" }, /holds no time/],
    ["an id of 300 characters", { ...sign("{}"), "webhook-id": "m".repeat(300) }, /webhook-id is malformed/],
    ["a signature without end", { ...sign("{}"), "webhook-signature": "v1,".repeat(2000) }, /is too long/],
    ["seventeen signatures", { ...sign("{}"), "webhook-signature": "v1,AAAA ".repeat(17).trim() }, /is malformed/],
    ["an old time", sign("{}", { at: seconds - 301 }), /too old: its time is 301 s ago/],
    ["a future time", sign("{}", { at: seconds + 301 }), /from the future: its time is 301 s ahead/],
  ])("refuses %s with a reason for the owner", async (_what, headers, reason) => {
    expect(await reasonOf(check(headers))).toMatch(reason);
  });

  it("accepts times at both edges of the window", async () => {
    for (const at of [seconds - 300, seconds + 300]) expect(await reasonOf(check(sign("{}", { at })))).toBe("accepted");
  });

  it.each(["webhook-id", "webhook-timestamp", "webhook-signature"])("refuses two headers %s", async (name) => {
    const headers = new Headers(sign("{}"));
    headers.append(name, headers.get(name) ?? "");
    expect(await reasonOf(check(headers))).toMatch(/malformed|holds no time/);
  });
});

describe("GitHub", () => {
  const github = { scheme: "github" } as const;
  // The example of GitHub's documentation.
  const documented = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
  const headers = { "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958", "X-Hub-Signature-256": documented };
  const body = "Hello, World!";

  it("accepts the example of its documentation, with the event's name", async () => {
    const answer = await verify(github, { ...headers, "X-GitHub-Event": "issues" }, { body });
    const identity = { kind: "named", id: headers["X-GitHub-Delivery"] };
    expect(answer).toEqual({ ok: true, value: { identity, event: "issues" } });
    expect(
      await reasonOf(
        verify(github, { ...headers, "X-Hub-Signature-256": documented.toUpperCase().replace("SHA", "sha") }, { body }),
      ),
    ).toBe("accepted");
  });

  it("is identified by the body if the sender sends no delivery id", async () => {
    const answer = await verify(github, { "X-Hub-Signature-256": documented }, { body });
    expect(answer).toMatchObject({ ok: true, value: { identity: { kind: "body" } } });
  });

  it("ignores an event name that is invalid", async () => {
    const answer = await verify(github, { ...headers, "X-GitHub-Event": "</webhook_payload>" }, { body });
    expect(answer).toMatchObject({ ok: true, value: { event: null } });
  });

  it.each([
    ["a wrong body", headers, "Hello, World?", /is wrong/],
    ["an id that is none", { ...headers, "X-GitHub-Delivery": "a b" }, body, /X-GitHub-Delivery is malformed/],
    ["no signature", { "X-GitHub-Delivery": "1" }, body, /X-Hub-Signature-256 is missing/],
    ["half a signature", { ...headers, "X-Hub-Signature-256": documented.slice(0, -2) }, body, /malformed/],
    ["SHA-1", { ...headers, "X-Hub-Signature-256": `sha1=${"a".repeat(40)}` }, body, /malformed/],
    ["two signatures", { ...headers, "X-Hub-Signature-256": `${documented}, ${documented}` }, body, /malformed/],
  ])("refuses %s", async (_what, given, text, reason) => {
    expect(await reasonOf(verify(github, given, { body: text }))).toMatch(reason);
  });
});

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

describe("a secret in a header", () => {
  const header: TriggerVerification = { scheme: "header", header: "Authorization", prefix: "Bearer ", id_header: null };

  it("is compared completely, with its prefix", async () => {
    expect(await verify(header, { authorization: `Bearer ${secret}` })).toEqual({
      ok: true,
      value: { identity: { kind: "none" }, event: null },
    });
    for (const value of [
      secret,
      `Bearer ${secret}x`,
      `Bearer ${secret.slice(1)}`,
      `Bearer ${secret}, Bearer ${secret}`,
    ]) {
      expect(await reasonOf(verify(header, { authorization: value }))).toMatch(/is wrong/);
    }
    expect(await reasonOf(verify(header, {}))).toMatch(/Authorization is missing/);
  });

  it("never appears in a reason", async () => {
    expect(await reasonOf(verify(header, { authorization: "Bearer canary" }))).not.toContain("canary");
  });
});

describe("a secret", () => {
  const schemes: TriggerVerification[] = [
    { scheme: "standard" },
    { scheme: "github" },
    { scheme: "header", header: "X-Key", prefix: "", id_header: null },
  ];

  it("that is generated is new, long, and valid for every scheme", () => {
    for (const made of schemes.map(makeSecret)) {
      expect(made.length).toBeGreaterThanOrEqual(50);
      for (const scheme of schemes) expect(findSecretFault(scheme, made)).toBeNull();
    }
    expect(makeSecret({ scheme: "github" })).not.toBe(makeSecret({ scheme: "github" }));
  });

  it.each([
    ["is short", "short", /at least 16/],
    ["has no end", "x".repeat(513), /at most 512/],
    ["holds a line feed", `${"x".repeat(20)}\ny`, /printable/],
    ["ends with a space", `${"x".repeat(20)} `, /printable/],
    ["is no ASCII", "密".repeat(20), /printable/],
  ])("that %s is refused", (_what, text, fault) => {
    for (const scheme of schemes) expect(findSecretFault(scheme, text)).toMatch(fault);
  });

  it("of Standard Webhooks must be one of its keys", () => {
    for (const text of ["whsec_not base64 at all", `whsec_${btoa("x".repeat(65))}`, `whsec_${btoa("short key")}`]) {
      expect(findSecretFault({ scheme: "standard" }, text)).toMatch(/whsec_/);
    }
  });
});
