import { describe, expect, it, vi } from "vitest";
import { hasMore } from "./new-preview.ts";
import { frameOf, mergePreviews } from "./previews.ts";

const statePreviews = [{ port: 3000, url: "http://a.example/" }];
const link = { port: 8080, url: "http://b.example/", expires_at: "2026-11-24T10:00:00.000Z" };

describe("previews", () => {
  it("are those in the thread's state before the list is read", () => {
    expect(mergePreviews(null, statePreviews)).toEqual([{ port: 3000, url: "http://a.example/", expires_at: null }]);
  });

  it("are those in a list as new as the state, so a revoked one disappears", () => {
    expect(mergePreviews({ data: [link], isCurrent: true }, statePreviews)).toEqual([link]);
  });

  it("are those of both, by port, after a run has opened another", () => {
    expect(mergePreviews({ data: [link], isCurrent: false }, statePreviews).map(({ port }) => port)).toEqual([
      3000, 8080,
    ]);
  });

  it("keep their origin only where it differs from the page's", () => {
    expect(frameOf("http://3000-x.localhost:8700/", "http://localhost:8700")?.sandbox).toContain("allow-same-origin");
    expect(frameOf("http://localhost:8700/x", "http://localhost:8700")?.sandbox).not.toContain("allow-same-origin");
  });

  it("are shown for http and https addresses only", () => {
    for (const url of ["javascript:alert(1)", "data:text/html,x", "mailto:a@b.c", "no address"])
      expect(frameOf(url, "http://localhost")).toBe(null);
  });

  it("are shown for no address that would bring this page a key", () => {
    vi.stubGlobal("location", new URL("http://localhost:8700/"));
    expect(frameOf("http://127.0.0.1:8700/#key=k", "http://localhost:8700")).toBe(null);
    vi.unstubAllGlobals();
  });

  it("count as new when an address is new, not when one disappears", () => {
    expect(hasMore("", "http://a/")).toBe(true);
    expect(hasMore("http://a/\nhttp://b/", "http://a/")).toBe(false);
    expect(hasMore("http://a/", "http://c/")).toBe(true);
    expect(hasMore("http://a/", "")).toBe(false);
  });
});
