import { expect, it } from "vitest";
import { late, readLate } from "./late.ts";

it("a late schema is made once, when it is first asked for", () => {
  let made = 0;
  const schema = late(() => ({ number: ++made }));
  expect(made).toBe(0);
  expect(readLate(schema)).toBe(schema());
  expect(schema()).toEqual({ number: 1 });
  const eager = { number: 7 };
  expect(readLate(eager)).toBe(eager);
});
