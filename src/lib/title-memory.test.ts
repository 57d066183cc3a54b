import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { toTitle } from "./title.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

it("keeps nothing of the message but its title", () => {
  collect();
  const before = process.memoryUsage().heapUsed;
  const titles = Array.from({ length: 40 }, (_, at) => toTitle(`${at} ${"x".repeat(1_000_000)}`));
  collect();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(10_000_000);
  expect(titles).toHaveLength(40);
});
