import { describe, expect, it } from "vitest";
import { signInSettings } from "../../test/fakes/issuer.ts";
import { type Claims, isSilent, joinClaims, makesUser, readEmail, readPerson } from "./person.ts";

const emailOf = async (claims: Claims, settings: Partial<typeof signInSettings> = {}) =>
  (await readPerson({ ...signInSettings, ...settings }, "person-1", claims)).email;
const google = { issuer: "https://accounts.google.com" };
const entra = { issuer: "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0" };
const trusting = { unverified_emails_trusted: true };
const ada = "ada@example.com";

describe("who a person is", () => {
  it("is decided by the issuer and its id, and by neither alone", async () => {
    const identityOf = async (issuer: string, sub: string) =>
      (await readPerson({ ...signInSettings, issuer }, sub, {})).identity;
    const one = await identityOf("https://one.example", "1");
    expect(one).toMatch(/^[0-9a-f]{64}$/);
    expect(await identityOf("https://one.example", "1")).toBe(one);
    const others = [
      ["https://two.example", "1"],
      ["https://one.example", "2"],
      ["https://one.example/", "1"],
    ] as const;
    for (const [issuer, sub] of others) expect(await identityOf(issuer, sub)).not.toBe(one);
  });

  it("counts an email only if the issuer says that it is verified, in so many words", async () => {
    expect(await emailOf({ email: "Ada@Example.COM", email_verified: true })).toBe(ada);
    for (const email_verified of [undefined, false, "true", 1, null, "false", {}]) {
      expect(await emailOf({ email: ada, email_verified })).toBeNull();
    }
    expect(await emailOf({ email_verified: true })).toBeNull();
  });

  it("counts an email of which a trusted issuer says nothing, and none that it calls unverified", async () => {
    expect(await emailOf({ email: ada }, trusting)).toBe(ada);
    for (const email_verified of [false, "false", null, 0]) {
      expect(await emailOf({ email: ada, email_verified }, trusting)).toBeNull();
    }
  });

  it("counts Google's own addresses and those of its organizations, since anybody may have made the others", async () => {
    const verified = { email_verified: true };
    expect(await emailOf({ email: "ada@gmail.com", ...verified }, google)).toBe("ada@gmail.com");
    expect(await emailOf({ email: ada, hd: "example.com", ...verified }, google)).toBe(ada);
    for (const hd of [undefined, "", null, true])
      expect(await emailOf({ email: ada, hd, ...verified }, google)).toBeNull();
  });

  it("counts Entra's word that a domain belongs to the tenant, and from nobody else", async () => {
    for (const xms_edov of [true, "1", 1, "true"]) expect(await emailOf({ email: ada, xms_edov }, entra)).toBe(ada);
    for (const xms_edov of [false, "0", 0, undefined])
      expect(await emailOf({ email: ada, xms_edov }, entra)).toBeNull();
    expect(await emailOf({ email: ada, xms_edov: true })).toBeNull();
    expect(await emailOf({ email: ada, xms_edov: true, email_verified: false }, entra)).toBeNull();
  });

  it("reads plain addresses only, since others are not what they look like", () => {
    expect(readEmail("O'Neil+x@Sub.Example.com")).toBe("o'neil+x@sub.example.com");
    const others = [
      "ada",
      "@example.com",
      "ada@",
      "ada@localhost",
      "ada@evil.example@example.com",
      '"ada@evil.example"@example.com',
      "ada@example.com,evil@evil.example",
      "Ada <ada@example.com>",
      "ada @example.com",
      "ada@example.com ",
      "ada@exämple.com",
      "ada@ｅxample.com",
      "\u212Aen@example.com",
      "ada@example.com.",
      "ada@.example.com",
      "ada@0x7f.1",
      "ada@example.com\n",
      `${"a".repeat(250)}@example.com`,
      ["ada@example.com"],
      42,
    ];
    for (const email of others) expect(readEmail(email)).toBeNull();
  });

  it("compares whole domains", () => {
    const makes = (email: string) => makesUser({ ...signInSettings, allowed_domains: ["example.com"] }, email);
    expect(makes(ada)).toBe(true);
    for (const domain of ["sub.example.com", "notexample.com", "example.com.evil.example", "example.co", "com"]) {
      expect(makes(`ada@${domain}`)).toBe(false);
    }
    expect(makesUser({ ...signInSettings, allowed_domains: [] }, ada)).toBe(false);
    expect(makesUser({ ...signInSettings, allowed_domains: "*" }, ada)).toBe(true);
  });

  it("takes an email and its verification from the same place", () => {
    const token = { email: ada };
    expect(joinClaims(token, { email: "eve@example.com", email_verified: true })).toMatchObject({
      email: "eve@example.com",
      email_verified: true,
    });
    expect(joinClaims(token, { email: "eve@example.com" })).toMatchObject({ email: ada });
    expect(joinClaims({ email: ada, email_verified: false }, { email: ada, email_verified: true })).toMatchObject({
      email_verified: false,
    });
    expect(joinClaims({ xms_edov: true }, { email: "eve@evil.example" }).xms_edov).toBeUndefined();
    expect(joinClaims({ email: ada, xms_edov: true }, null).xms_edov).toBe(true);
    expect(joinClaims({}, { name: "Ada" }).name).toBe("Ada");
  });

  it("asks for more only where the token is silent", () => {
    expect(isSilent(signInSettings, { email: ada, email_verified: false })).toBe(false);
    expect(isSilent(signInSettings, { email: ada })).toBe(true);
    expect(isSilent({ ...signInSettings, ...trusting }, { email: ada })).toBe(false);
    expect(isSilent({ ...signInSettings, ...trusting }, {})).toBe(true);
  });

  it("reads a name without what hides or breaks a line", async () => {
    const nameOf = async (name: unknown) => (await readPerson(signInSettings, "1", { name })).name;
    expect(await nameOf(" Ada\u202E\n Lovelace\u200B ")).toBe("Ada Lovelace");
    expect(await nameOf("x".repeat(5_000))).toHaveLength(200);
    for (const name of [undefined, "", " ", 7, {}]) expect(await nameOf(name)).toBeNull();
  });
});
