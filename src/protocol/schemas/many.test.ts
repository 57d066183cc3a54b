import { describe, expect, it } from "vitest";
import { z } from "zod";
import { limitNames, longList, unionBy } from "./many.ts";

const MANY = 100_000;

/** A schema that counts how often it looks, and refuses what is no number. */
function countedNumber() {
  const looks = { count: 0 };
  const schema = z.unknown().refine((value) => {
    looks.count += 1;
    return typeof value === "number";
  }, "is no number");
  return { looks, schema };
}

describe("what has no limit but a body's", () => {
  it("is refused for the first wrong item of a list, and the others are unseen", () => {
    const { looks, schema } = countedNumber();
    const asked = z.object({ list: longList(z.object({ value: schema })) });
    const wrong = asked.safeParse({ list: [{ value: 1 }, ...Array(MANY).fill({ value: "" })] });
    expect(looks.count).toBe(2);
    expect(wrong.error?.issues.map(({ path, message }) => [path, message])).toEqual([
      [["list", 1, "value"], "is no number"],
    ]);
    expect(asked.parse({ list: [{ value: 1, more: 2 }] })).toEqual({ list: [{ value: 1 }] });
  });

  it("is refused for its names before any of them is seen", () => {
    const { looks, schema } = countedNumber();
    const asked = z.object({ env: limitNames(z.record(z.string(), schema), 2, "has more than 2 names").optional() });
    const many = Object.fromEntries(Array.from({ length: MANY }, (_, at) => [`k${at}`, 1]));
    expect(asked.safeParse({ env: many }).error?.issues.map(({ path, message }) => [path, message])).toEqual([
      [["env"], "has more than 2 names"],
    ]);
    expect(looks.count).toBe(0);
    expect(asked.parse({ env: { a: 1, b: 2 } })).toEqual({ env: { a: 1, b: 2 } });
    expect(asked.parse({})).toEqual({});
  });

  it("is compared with the one form of a union that it means", () => {
    const [first, second] = [countedNumber(), countedNumber()];
    const asked = unionBy([z.object({ a: first.schema }), z.object({ b: second.schema })], (value) =>
      Object.hasOwn(value as object, "a") ? 0 : 1,
    );
    expect(asked.parse({ a: 1, b: "unseen" })).toEqual({ a: 1 });
    expect(asked.safeParse({ b: "" }).error?.issues[0]?.path).toEqual(["b"]);
    expect([first.looks.count, second.looks.count]).toEqual([1, 1]);
  });
});
