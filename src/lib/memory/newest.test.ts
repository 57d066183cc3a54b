import { expect, it } from "vitest";
import { putNewest } from "./newest.ts";

it("beyond the bound, the entry that was put in the longest ago is forgotten", () => {
  const map = new Map<string, number>();
  for (const [place, key] of ["a", "b", "c"].entries()) putNewest(map, key, place, 2);
  expect([...map]).toEqual([
    ["b", 1],
    ["c", 2],
  ]);
});

it("an entry that is put in again counts as new, and pushes no other out", () => {
  const map = new Map([
    ["a", 1],
    ["b", 2],
  ]);
  putNewest(map, "a", 3, 2);
  expect([...map]).toEqual([
    ["b", 2],
    ["a", 3],
  ]);
  putNewest(map, "c", 4, 2);
  expect([...map.keys()]).toEqual(["a", "c"]);
});
