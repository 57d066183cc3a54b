import { describe, expect, it } from "vitest";
import { findByName } from "./find.ts";

const find = (names: string[], typed: string) => findByName(names, typed, (name) => name);

describe("findByName", () => {
  it("takes names that contain every word, in any order, whatever their case or accents", () => {
    const names = ["A Café in Lisbon", "cafe", "帮我做一个电商网站"];
    expect(find(names, "lisbon CAFE")).toEqual(["A Café in Lisbon"]);
    expect(find(names, "电商")).toEqual(["帮我做一个电商网站"]);
    expect(find(names, "tea")).toEqual([]);
  });

  it("ranks names that begin with the text first, then those in which a word does", () => {
    expect(find(["reshop", "my shop", "shop one", "shop two"], "shop")).toEqual([
      "shop one",
      "shop two",
      "my shop",
      "reshop",
    ]);
  });

  it("keeps the order where nothing was typed", () => {
    expect(find(["b", "a"], "  ")).toEqual(["b", "a"]);
  });
});
