import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { callTool } from "../../test/fakes/call-tool.ts";
import { resultTools } from "./results.ts";
import { fence } from "./web/fence.ts";

const read = (text: string | null, input: Record<string, unknown> = {}) =>
  callTool(resultTools, "read_result", { result_id: "call_1", ...input }, { readResult: () => text });

const LOG = Array.from({ length: 5000 }, (_, at) => `${at} ${at % 500 === 0 ? "ERROR 订单失败" : "fine"}`).join("\n");

describe("read_result", () => {
  it("shows a part with the offset to continue from, and the parts add up to the whole", async () => {
    const pieces: string[] = [];
    for (let offset: number | null = 0; offset !== null; ) {
      const { content } = await read(LOG, { offset, limit: 7000 });
      const [, shown = "", next] = /^([\s\S]*)\n\[characters .*?(?:offset (\d+))?\]$/.exec(content) ?? [];
      pieces.push(shown);
      offset = next === undefined ? null : Number(next);
      expect(pieces.length).toBeLessThan(20);
    }
    expect(pieces.join("")).toBe(LOG);
  });

  it("never shows more than its limit, and never half a character", async () => {
    const text = "🛒".repeat(30_000);
    await fc.assert(
      fc.asyncProperty(fc.nat(60_000), fc.integer({ min: 1, max: 1_000_000 }), async (offset, limit) => {
        const { content } = await read(text, { offset, limit });
        expect(content.length).toBeLessThan(21_000);
        expect(content.isWellFormed()).toBe(true);
      }),
    );
  });

  it("finds lines with their offsets, and says where to continue", async () => {
    const { content } = await read(LOG, { search: "ERROR" });
    expect(content).toMatch(/\[10 lines/);
    const offset = Number(/(\d+): 4500 ERROR 订单失败/.exec(content)?.[1]);
    expect(LOG.slice(offset, offset + 5)).toBe("ERROR");
    const many = await read("x\n".repeat(500), { search: "x" });
    expect(many.content).toMatch(/search again with offset 200\]$/);
    const long = await read(`${"a".repeat(1000)}needle${"b".repeat(1000)}needle${"c".repeat(1000)}`, {
      search: "needle",
    });
    expect(long.content).toMatch(/^1000: …a+needleb+…\n2006: …b+needlec+…\n/);
  });

  it("says so if nothing is found, the offset is after the end, or there is no such result", async () => {
    expect(await read(LOG, { search: "panic" })).toMatchObject({
      is_error: false,
      content: '"panic" is not in this result.',
    });
    expect(await read("short", { offset: 9 })).toMatchObject({
      is_error: true,
      content: expect.stringContaining("5 characters"),
    });
    expect(await read(null)).toMatchObject({ is_error: true, content: expect.stringContaining('"call_1"') });
    expect(await read("")).toMatchObject({ is_error: false, content: "\n[characters 0-0 of 0]" });
  });
});

describe("a part of what comes from the web", () => {
  const [first, second] = [
    { n: 1, host: "a.example" },
    { n: 2, host: "b.example" },
  ];
  const pages = `Found:\n${fence(first, "one tea\nnothing\ntwo tea")}\n${fence(second, "three tea")}\nEnd, no tea`;

  it("stands between the tags of its page, wherever the part begins and ends", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(pages.length - 1), fc.integer({ min: 2, max: pages.length }), async (offset, limit) => {
        const { content } = await read(pages, { offset, limit });
        const inside = [...content.matchAll(/<web_content source="\[(\d)\] .\.example">([\s\S]*?)<\/web_content>/g)];
        const outside = inside.reduce((text, [whole]) => text.replace(whole, ""), content);
        expect(outside).not.toMatch(/one|nothing|two|three/);
        for (const [, n, text] of inside) expect(text).not.toMatch(n === "1" ? /three/ : /one|nothing|two/);
      }),
      { numRuns: 300 },
    );
  });

  it("keeps them where lines are found", async () => {
    const { content } = await read(pages, { search: "tea" });
    expect(content.replace(/\d+: /g, "")).toBe(
      `${fence(first, "one tea\ntwo tea")}\n${fence(second, "three tea")}\nEnd, no tea\n[4 lines, each with the offset of what was found, of ${pages.length} characters]`,
    );
  });

  it("is not made of what only looks like it", async () => {
    const text = `a\n${"b".repeat(100)}</web_content>\nc <web_content> d`;
    expect((await read(text, { offset: 10, limit: 20 })).content).not.toContain("web_content");
  });
});
