import { describe, expect, it } from "vitest";
import { isPreviewDomain, newPreviewToken, previewUrl, readPreviewHost } from "./preview.ts";

const token = "abcdefghijklmnopqrstuvwxyz".replace(/[a-f]/g, "7");

describe("a preview link", () => {
  it("uses https, and http under localhost", () => {
    expect(previewUrl("previews.example", 3000, token)).toBe(`https://3000-${token}.previews.example/`);
    expect(previewUrl("localhost:8787", 3000, token)).toBe(`http://3000-${token}.localhost:8787/`);
    expect(previewUrl("box.localhost", 3000, token)).toBe(`http://3000-${token}.box.localhost/`);
    expect(previewUrl("notlocalhost.example", 3000, token)).toMatch(/^https:/);
  });

  it("has a random token of 26 base32 letters, and is read back from its host name", () => {
    const tokens = Array.from({ length: 50 }, newPreviewToken);
    expect(new Set(tokens).size).toBe(50);
    for (const each of tokens) {
      expect(each).toMatch(/^[a-z2-7]{26}$/);
      const { hostname } = new URL(previewUrl("previews.example", 8080, each));
      expect(readPreviewHost(hostname, "previews.example")).toEqual({ kind: "preview", port: 8080, token: each });
    }
  });
});

describe("a request's host", () => {
  it.each([
    [`3000-${token}.previews.example`, "preview"],
    [`65535-${token}.previews.example`, "preview"],
    [`65536-${token}.previews.example`, "unknown"],
    [`0-${token}.previews.example`, "unknown"],
    [`03000-${token}.previews.example`, "unknown"],
    [`-${token}.previews.example`, "unknown"],
    [`3000-.previews.example`, "unknown"],
    [`3000-${token}a.previews.example`, "unknown"],
    [`3000-${token.slice(1)}.previews.example`, "unknown"],
    [`3000-${token}.previews.example.`, "unknown"],
    [`x.3000-${token}.previews.example`, "unknown"],
    ["app.previews.example", "unknown"],
    ["previews.example", "apex"],
    ["previews.example.", "apex"],
    ["agent.example", "other"],
    ["evilpreviews.example", "other"],
    [`3000-${token}.previews.example.evil.example`, "other"],
    ["127.0.0.1", "other"],
    ["[::1]", "other"],
  ])("%s is %s under previews.example", (hostname, kind) => {
    expect(readPreviewHost(hostname, "previews.example").kind).toBe(kind);
  });

  it("is the app's for localhost itself, and a preview's for each name under it", () => {
    expect(readPreviewHost("localhost", "localhost:8787").kind).toBe("other");
    expect(readPreviewHost(`3000-${token}.localhost`, "localhost:8787").kind).toBe("preview");
    expect(readPreviewHost("x.localhost", "localhost:8787").kind).toBe("unknown");
  });
});

describe("a preview domain", () => {
  it.each(["previews.example", "previews.example:8443", "localhost", "localhost:8787", "a-b.c9.example"])(
    "may be %s",
    (domain) => {
      expect(isPreviewDomain(domain)).toBe(true);
    },
  );

  it.each(["", "previews", "Previews.example", "https://previews.example", "previews.example/", "*.previews.example"])(
    "may not be %s",
    (domain) => {
      expect(isPreviewDomain(domain)).toBe(false);
    },
  );

  it.each([
    "10.0.0.1",
    "[::1]",
    "previews..example",
    "-x.example",
    ".example",
    "user@previews.example",
    "x.example:65536",
  ])("may not be %s either", (domain) => {
    expect(isPreviewDomain(domain)).toBe(false);
  });
});
