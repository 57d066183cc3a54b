import { describe, expect, it } from "vitest";
import { describeSignIn, readSignInSettings } from "./sign-in.ts";

const two = { OIDC_ISSUER: "https://issuer.example", OIDC_CLIENT_ID: "client" };
const problemOf = (env: object) => readSignInSettings({ ...two, ...env }).problem;

describe("the settings of sign-in", () => {
  it("are none where nothing is set", () => {
    for (const env of [{}, { OIDC_ISSUER: " ", OIDC_NAME: "Example" }]) {
      expect(readSignInSettings(env)).toEqual({ settings: null, problem: null });
    }
  });

  it("need an issuer and a client, and have defaults for the rest", () => {
    expect(readSignInSettings(two)).toEqual({
      settings: {
        issuer: "https://issuer.example",
        client_id: "client",
        client_secret: null,
        name: "issuer.example",
        scopes: "openid email profile",
        allowed_domains: [],
        unverified_emails_trusted: false,
      },
      problem: null,
    });
    expect(problemOf({ OIDC_ISSUER: "" })).toBe(
      "The server's setting OIDC_ISSUER is missing, and OIDC_CLIENT_ID is set.",
    );
    expect(problemOf({ OIDC_CLIENT_ID: "" })).toContain("OIDC_CLIENT_ID is missing");
  });

  it("take what people write", () => {
    const { settings } = readSignInSettings({
      ...two,
      OIDC_ISSUER: " https://tenant.auth0.com/ ",
      OIDC_CLIENT_SECRET: "s3cret~",
      OIDC_NAME: "Example 公司",
      OIDC_SCOPES: "email,groups openid",
      OIDC_ALLOWED_DOMAINS: "Example.com, bücher.example",
      OIDC_TRUST_EMAIL: "1",
    });
    expect(settings).toEqual({
      issuer: "https://tenant.auth0.com/",
      client_id: "client",
      client_secret: "s3cret~",
      name: "Example 公司",
      scopes: "openid email groups",
      allowed_domains: ["example.com", "xn--bcher-kva.example"],
      unverified_emails_trusted: true,
    });
    expect(readSignInSettings({ ...two, OIDC_ALLOWED_DOMAINS: "*" }).settings?.allowed_domains).toBe("*");
  });

  it("let nobody sign in where one of them is wrong, and say which, quoting nothing", () => {
    const wrong: [string, string][] = [
      ["OIDC_ISSUER", "http://issuer.example"],
      ["OIDC_ISSUER", "http://192.168.1.7:9000"],
      ["OIDC_ISSUER", "http://localhost.evil.example"],
      ["OIDC_ISSUER", "issuer.example"],
      ["OIDC_ISSUER", "https://a:b@issuer.example"],
      ["OIDC_ISSUER", "https://issuer.example?tenant=1"],
      ["OIDC_ISSUER", "https://issuer.example/.well-known/openid-configuration"],
      ["OIDC_CLIENT_ID", "two words"],
      ["OIDC_CLIENT_SECRET", "two words"],
      ["OIDC_NAME", "x".repeat(41)],
      ["OIDC_NAME", "a\nb"],
      ["OIDC_SCOPES", 'email "x"'],
      ["OIDC_ALLOWED_DOMAINS", "example.com,*"],
      ["OIDC_ALLOWED_DOMAINS", "*.example.com"],
      ["OIDC_ALLOWED_DOMAINS", ".example.com"],
      ["OIDC_ALLOWED_DOMAINS", "@example.com"],
      ["OIDC_ALLOWED_DOMAINS", "example"],
      ["OIDC_ALLOWED_DOMAINS", "https://example.com"],
      ["OIDC_ALLOWED_DOMAINS", Array.from({ length: 101 }, (_, index) => `d${index}.example`).join()],
      ["OIDC_TRUST_EMAIL", "yes"],
    ];
    for (const [name, value] of wrong) {
      const reading = readSignInSettings({ ...two, [name]: value });
      expect([value, reading.settings, reading.problem]).toEqual([value, null, expect.stringContaining(name)]);
      expect(describeSignIn(reading)[0]).toContain("Nobody can sign in.");
    }
  });

  it("may name an issuer on this computer over http", () => {
    for (const issuer of ["http://localhost:9000", "http://127.0.0.1:9000/realms/one", "http://[::1]:9000"]) {
      expect(problemOf({ OIDC_ISSUER: issuer })).toBeNull();
    }
  });

  it("warn of what lets everybody in", () => {
    const google = { ...two, OIDC_ISSUER: "https://accounts.google.com" };
    const warningsOf = (env: object) => describeSignIn(readSignInSettings({ ...google, ...env }));
    expect(warningsOf({ OIDC_ALLOWED_DOMAINS: "example.com" })).toEqual([]);
    expect(warningsOf({ OIDC_ALLOWED_DOMAINS: "*" })).toEqual([expect.stringContaining("anybody can make one there")]);
    expect(warningsOf({ OIDC_TRUST_EMAIL: "1" })).toEqual([expect.stringContaining("OIDC_TRUST_EMAIL")]);
    expect(describeSignIn(readSignInSettings({ ...two, OIDC_ALLOWED_DOMAINS: "*" }))).toEqual([]);
  });
});
