import { describe, expect, it } from "vitest";
import { findLinks, readWebLink } from "./terminal-links.ts";

describe("links in a terminal", () => {
  it("are addresses of the web, without the signs of the sentence", () => {
    const line = "see http://localhost:3000/. (or https://a.example/b_(c)) and https://x.example/?q=1, done";
    expect(findLinks(line).map(({ url }) => url)).toEqual([
      "http://localhost:3000/",
      "https://a.example/b_(c)",
      "https://x.example/?q=1",
    ]);
  });

  it("stand where they were found", () => {
    expect(findLinks("ab http://c.example")).toEqual([{ start: 3, url: "http://c.example" }]);
  });

  it("are nothing that does more than open a page", () => {
    for (const text of ["javascript:alert(1)", "file:///etc/passwd", "mailto:a@b.c", "vscode://x", "http://"])
      expect(readWebLink(text)).toBe(null);
    expect(findLinks("javascript:alert(1) data:text/html,x ftp://a.example")).toEqual([]);
  });
});
