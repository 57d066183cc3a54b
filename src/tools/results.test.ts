import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { callTool } from "../../test/fakes/call-tool.ts";
import { resultTools } from "./results.ts";

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
