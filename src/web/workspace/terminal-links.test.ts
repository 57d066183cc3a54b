import { afterEach, describe, expect, it, vi } from "vitest";
import { findLinks, openLink, readWebLink } from "./terminal-links.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("links in a terminal", () => {
  it("are http and https addresses, without the punctuation of the sentence", () => {
    const line = "see http://localhost:3000/. (or https://a.example/b_(c)) and https://x.example/?q=1, done";
    expect(findLinks(line).map(({ url }) => url)).toEqual([
      "http://localhost:3000/",
      "https://a.example/b_(c)",
      "https://x.example/?q=1",
    ]);
  });

  it("are at the place where they were found", () => {
    expect(findLinks("ab http://c.example")).toEqual([{ start: 3, url: "http://c.example" }]);
  });

  it("never do more than open a page", () => {
    for (const text of ["javascript:alert(1)", "file:///etc/passwd", "mailto:a@b.c", "vscode://x", "http://"])
      expect(readWebLink(text)).toBe(null);
    expect(findLinks("javascript:alert(1) data:text/html,x ftp://a.example")).toEqual([]);
  });

  it("never bring this page a key, whatever text a program put over them", () => {
    const open = vi.fn();
    vi.stubGlobal("location", new URL("http://localhost:8787/"));
    vi.stubGlobal("window", { open });
    expect(findLinks("open http://localhost:8787/#key=k")).toEqual([]);
    openLink("http://127.0.0.1:8787/#key=k");
    expect(open).not.toHaveBeenCalled();
    openLink("http://127.0.0.1:8787/#thread=t");
    expect(open).toHaveBeenCalledOnce();
  });
});
