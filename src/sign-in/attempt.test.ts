import { describe, expect, it } from "vitest";
import {
  ATTEMPT_MS,
  authorizationAddress,
  beginAttempt,
  findOverdue,
  isStateOf,
  readAttempt,
  readCookies,
  writeAttempt,
} from "./attempt.ts";

const now = Date.UTC(2026, 10, 28);

describe("an attempt to sign in", () => {
  it("comes back from its cookie, for ten minutes", () => {
    const attempt = beginAttempt("/#thread=mine", now);
    const cookie = writeAttempt(attempt);
    expect(cookie).toMatch(/^[\w-]+$/);
    expect(readAttempt(cookie, now)).toEqual(attempt);
    expect(readAttempt(cookie, now + ATTEMPT_MS - 1)).toEqual(attempt);
    expect(readAttempt(cookie, now + ATTEMPT_MS)).toBeNull();
    expect(readAttempt(cookie, now - 1)).toBeNull();
  });

  it("has secrets that no other has, and none in two roles", () => {
    const all = Array.from({ length: 50 }, () => beginAttempt("/", now));
    const secrets = all.flatMap(({ state, nonce, verifier }) => [state, nonce, verifier]);
    expect(new Set(secrets).size).toBe(150);
    for (const secret of secrets) expect(secret).toMatch(/^[\w-]{43}$/);
  });

  it("leads nowhere else, also if somebody wrote the cookie", () => {
    const forged = writeAttempt({ ...beginAttempt("/", now), return_to: "//evil.example" });
    expect(readAttempt(forged, now)?.return_to).toBe("/");
  });

  it("is none for whatever else a cookie holds", () => {
    const of = (value: unknown) => btoa(JSON.stringify(value));
    const others = [
      "",
      "%",
      "a",
      of(null),
      of([]),
      of([now]),
      of([now, "s", "n", "v", 1]),
      of({}),
      of(["x", "s", "n", "v", "/"]),
    ];
    for (const cookie of [...others, of([now, "", "n", "v", "/"]), "A".repeat(5_000)]) {
      expect(readAttempt(cookie, now)).toBeNull();
    }
  });

  it("is found by its whole state", async () => {
    const attempt = beginAttempt("/", now);
    expect(await isStateOf(attempt, attempt.state)).toBe(true);
    expect(await isStateOf(attempt, `${attempt.state}A`)).toBe(false);
    expect(await isStateOf(attempt, attempt.state.slice(0, 20))).toBe(false);
  });

  it("makes the oldest of too many leave, and those that are over", () => {
    const cookies = Object.fromEntries(
      [0, 1, 2, 3, 4, 5].map((age) => [`attempt-${age}`, writeAttempt(beginAttempt("/", now - age * 1000))]),
    );
    const over = writeAttempt(beginAttempt("/", now - ATTEMPT_MS));
    expect(findOverdue({ ...cookies, over, odd: "!" }, now).sort()).toEqual(["attempt-4", "attempt-5", "odd", "over"]);
    expect(findOverdue({}, now)).toEqual([]);
  });

  it("is in a cookie that the browser protected, and in no other", () => {
    const read = (header: string | undefined) => readCookies(header, "__Host-a-");
    expect(read("x=1; __Host-a-1=one;\t__Host-a-2=two=2; __Host-b=3")).toEqual({
      "__Host-a-1": "one",
      "__Host-a-2": "two=2",
    });
    // What a neighbour's page may set, since its name does not begin with the prefix.
    for (const planted of [
      "\u00a0__Host-a-1=x",
      "\u2003__Host-a-1=x",
      "\u0085__Host-a-1=x",
      '"__Host-a-1"=x',
      "a-1=x",
    ]) {
      expect(read(planted)).toEqual({});
    }
    expect(read("__Host-a-1=one; __Host-a-1=two; __Host-a-2=three")).toEqual({ "__Host-a-2": "three" });
    expect(read("__Host-a-1")).toEqual({});
    expect(read(undefined)).toEqual({});
    expect(read(`__Host-a-1=one; ${"x".repeat(20_000)}`)).toEqual({});
    expect(read("__Host-a-__proto__=one")).toEqual({ "__Host-a-__proto__": "one" });
  });

  it("asks the issuer for a code with PKCE, and keeps the query of its address", async () => {
    const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const attempt = { ...beginAttempt("/", now), verifier };
    const address = await authorizationAddress(
      {
        authorization_endpoint: "https://issuer.example/authorize?tenant=one",
        client_id: "a client",
        scopes: "openid email",
        redirect_uri: "https://taskloom.example/auth/callback",
      },
      attempt,
    );
    expect(address).not.toContain(verifier);
    expect(Object.fromEntries(new URL(address).searchParams)).toEqual({
      tenant: "one",
      response_type: "code",
      client_id: "a client",
      scope: "openid email",
      redirect_uri: "https://taskloom.example/auth/callback",
      state: attempt.state,
      nonce: attempt.nonce,
      // The example of RFC 7636.
      code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
      code_challenge_method: "S256",
    });
  });
});
