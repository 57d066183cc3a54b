import { expect, it } from "vitest";
import { Names } from "./rules.ts";

let time = 0;
const open = () => new Names(10_000, () => time);

it("a name that was never used leads to its sandbox at once", () => {
  const names = open();
  expect(names.find("box", undefined)).toBeUndefined();
  names.forget("box");
  expect(names.find("box", "id-1")).toBe("id-1");
});

it("a name that is used again leads nowhere for ten seconds after it was looked up", () => {
  const names = open();
  names.forget("box");
  names.find("box", "id-1");
  time += 10_000;
  expect(names.find("box", undefined)).toBeUndefined();
  names.forget("box");
  // The sandbox's id is asked for again where the guard's entry was emptied.
  for (const passed of [0, 5_000, 4_999]) {
    time += passed;
    expect(names.find("box", "id-2")).toBeUndefined();
  }
  time += 1;
  expect(names.find("box", "id-2")).toBe("id-2");
});

it("a name's former sandbox stays its sandbox for ten seconds", () => {
  const names = open();
  names.forget("box");
  expect(names.find("box", "id-1")).toBe("id-1");
  time += 9_999;
  names.forget("box");
  expect(names.find("box", "id-2")).toBe("id-1");
  time += 1;
  expect(names.find("box", "id-2")).toBe("id-2");
});

it("nothing is cached where the mode says so", () => {
  const names = new Names(0, () => time);
  expect(names.find("box", undefined)).toBeUndefined();
  expect(names.find("box", "id-1")).toBe("id-1");
});
