// What others write is read in linear time. Each of these texts took seconds, or was written again as megabytes.
import { describe, expect, it } from "vitest";
import { protectedPaths } from "../src/agent/checks/protect.ts";
import { readCookie } from "../src/http/sessions/cookie.ts";
import { citedNumbers } from "../src/lib/citations.ts";
import { contentAsWritten } from "../src/models/chat/reply/extras.ts";
import { readCookies } from "../src/sign-in/attempt.ts";
import { readHtml } from "../src/tools/web/pages/html/page.ts";

const many = (text: string, count = 100_000): string => text.repeat(count);

/** A cookie has 16 KB at most, so it is read several times. */
const repeat = (work: () => unknown) => () => Array.from({ length: 20 }, work);

const spaces = `a${many(" ", 16_000)}b`;
const rowsOfOneCell = `<table><tr>${many("<th>a", 100)}${many("<tr><td>a", 10_000)}</table>`;

describe("linear time is enough", () => {
  it.each([
    ["the session's cookie", repeat(() => readCookie(spaces, "session"))],
    // A request has room for a thousand such paths.
    [
      "paths of protected files",
      () => protectedPaths({ spec: { type: "command", run: "a", protected: Array(900).fill(many("a/", 500)) } }),
    ],
    ["the cookies of signing in", repeat(() => readCookies(spaces, "session"))],
    ["a fence of code with citations", () => citedNumbers(`${many("`")}\u2028`)],
    [
      "a reply with extra fields",
      () => contentAsWritten({ content: many("</a") }, { role: "assistant", content: "b" }),
    ],
  ])("for %s", (_what, read) => {
    const before = process.cpuUsage();
    read();
    const { user, system } = process.cpuUsage(before);
    // It takes some milliseconds, and took a second or more.
    expect((user + system) / 1000).toBeLessThan(400);
  });

  it("for a table whose rows have fewer cells than its head", () => {
    expect(readHtml(rowsOfOneCell, "https://site.example/").text.length).toBeLessThan(rowsOfOneCell.length * 2);
  });
});
