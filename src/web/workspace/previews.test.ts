import { describe, expect, it, vi } from "vitest";
import { hasMore } from "./new-preview.ts";
import { frameOf, mergePreviews } from "./previews.ts";

const told = [{ port: 3000, url: "http://a.example/" }];
const link = { port: 8080, url: "http://b.example/", expires_at: "2026-11-24T10:00:00.000Z" };

describe("previews", () => {
  it("are what the thread tells before they were listed", () => {
    expect(mergePreviews(null, told)).toEqual([{ port: 3000, url: "http://a.example/", expires_at: null }]);
  });

  it("are what is listed once that is as new, so a revoked one is gone", () => {
    expect(mergePreviews({ data: [link], isCurrent: true }, told)).toEqual([link]);
  });

  it("are both, by port, while a run has made another since", () => {
    expect(mergePreviews({ data: [link], isCurrent: false }, told).map(({ port }) => port)).toEqual([3000, 8080]);
  });

  it("keep their origin only where it is not the page's", () => {
    expect(frameOf("http://3000-x.localhost:8700/", "http://localhost:8700")?.sandbox).toContain("allow-same-origin");
    expect(frameOf("http://localhost:8700/x", "http://localhost:8700")?.sandbox).not.toContain("allow-same-origin");
  });

  it("are shown of the web only", () => {
    for (const url of ["javascript:alert(1)", "data:text/html,x", "mailto:a@b.c", "no address"])
      expect(frameOf(url, "http://localhost")).toBe(null);
  });

  it("are no address that would bring this page a key", () => {
    vi.stubGlobal("location", new URL("http://localhost:8700/"));
    expect(frameOf("http://127.0.0.1:8700/#key=k", "http://localhost:8700")).toBe(null);
    vi.unstubAllGlobals();
  });

  it("are news when an address is new, not when one goes", () => {
    expect(hasMore("", "http://a/")).toBe(true);
    expect(hasMore("http://a/\nhttp://b/", "http://a/")).toBe(false);
    expect(hasMore("http://a/", "http://c/")).toBe(true);
    expect(hasMore("http://a/", "")).toBe(false);
  });
});
