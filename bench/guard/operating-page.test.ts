import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { listPrices, pricePages } from "../../src/models/index.ts";
import { capNames, capScopes } from "../../src/protocol/money/caps.ts";
import { quotas } from "../../src/protocol/money/quotas.ts";
import { describeMoney, writeMoney } from "./operating-page.ts";

const how = "docs/operating.md differs from the code: run `node bench/guard/operating-page.ts`";

describe("docs/operating.md", () => {
  it("has the prices, caps and quotas of the code", async () => {
    const document = await readFile(join(import.meta.dirname, "../../docs/operating.md"), "utf8");
    expect(writeMoney(document) === document, how).toBe(true);
  });

  it("names every model with a price, every cap, scope and quota", () => {
    const models = Object.keys(pricePages).flatMap((server) => listPrices(server).flatMap(({ models }) => models));
    const text = describeMoney();
    const named = [...models, ...capNames, ...capScopes, ...Object.keys(quotas)];
    expect(named.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });

  it("is not written where it has no place", () => {
    expect(() => writeMoney("# Operating\n")).toThrow("no place");
  });
});
