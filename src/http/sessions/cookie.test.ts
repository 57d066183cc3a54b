import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cookieName, readCookie, writeCookie } from "./cookie.ts";

const nameAt = (url: string) => cookieName(new URL(url));

describe("the cookie's name", () => {
  it.each(["https://taskloom.example/", "https://localhost:8787/", "https://192.168.1.5/"])(
    "protects it at %s",
    (url) => expect(nameAt(url)).toBe("__Host-taskloom-session"),
  );

  it.each([
    "http://localhost:8787/",
    "http://127.0.0.1/",
    "http://127.8.0.1/",
    "http://[::1]:8787/",
    "http://a.localhost/",
  ])("is plain at %s", (url) => expect(nameAt(url)).toBe("taskloom-session"));

  it.each([
    "http://192.168.1.5:8787/",
    "http://taskloom.example/",
    "http://localhost.example/",
    "http://127.0.0.1.example/",
  ])("is none at %s", (url) => expect(nameAt(url)).toBeNull());
});

describe("a cookie header", () => {
  it("brings the one of that exact name", () => {
    expect(readCookie("other=1; taskloom-session=abc;x=2", "taskloom-session")).toBe("abc");
    expect(readCookie(" \ttaskloom-session=abc\t ", "taskloom-session")).toBe("abc");
    const others =
      "xtaskloom-session=1; taskloom-session2=2; Taskloom-Session=3; taskloom-session; __Host-taskloom-session=4";
    expect(readCookie(others, "taskloom-session")).toBeNull();
    expect(readCookie(undefined, "taskloom-session")).toBeNull();
  });

  it("with two of that name brings neither, whichever comes first", () => {
    expect(readCookie("taskloom-session=own; taskloom-session=planted", "taskloom-session")).toBe("several");
    // What a browser that does not protect names without a name makes of `=__Host-…`.
    const twice = "__Host-taskloom-session=planted; a=b; __Host-taskloom-session=own";
    expect(readCookie(twice, "__Host-taskloom-session")).toBe("several");
  });

  it("does not take a name that begins with other white space for the protected one", () => {
    expect(readCookie("\u2000__Host-taskloom-session=planted", "__Host-taskloom-session")).toBeNull();
    expect(readCookie("\u00a0__Host-taskloom-session=planted", "__Host-taskloom-session")).toBeNull();
  });

  it("that is too long is not looked at", () => {
    expect(readCookie(`a=${"x".repeat(16 * 1024)}; taskloom-session=abc`, "taskloom-session")).toBe("too_large");
  });

  it("brings back what was written, among any others", () =>
    fc.assert(
      fc.property(
        fc.stringMatching(/^[\w.]{1,40}$/),
        fc.array(fc.stringMatching(/^[a-z]=[^;]{0,9}$/)),
        (value, others) => {
          const [written] = writeCookie("taskloom-session", value, 60).split(";");
          expect(readCookie([...others, written].join("; "), "taskloom-session")).toBe(value);
        },
      ),
    ));
});

it("a cookie is for this server alone, and for no script", () => {
  expect(writeCookie("__Host-taskloom-session", "abc", 60.9)).toBe(
    "__Host-taskloom-session=abc; Max-Age=60; Path=/; HttpOnly; SameSite=Strict; Secure",
  );
  expect(writeCookie("taskloom-session", "", -1)).toBe(
    "taskloom-session=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict",
  );
});
