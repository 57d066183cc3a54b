import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { reasonOf, seconds, secret, verify } from "../../test/fakes/signed-delivery.ts";
import type { TriggerVerification } from "../protocol/trigger.ts";
import { findSecretFault, makeSecret } from "../secrets/signing-secret.ts";

const standardSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const otherSecret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

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
