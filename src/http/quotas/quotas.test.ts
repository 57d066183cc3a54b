import { expect, it } from "vitest";
import type { Env } from "../../config.ts";
import { takeDrop } from "./quotas.ts";

it("reads the refused bodies of a user sixty times a minute, and counts all who have no key together", () => {
  const env = {} as Env;
  const now = Date.parse("2026-11-28T12:00:00Z");
  const taken = (user_id: string | null, at = now) =>
    Array.from({ length: 100 }, () => takeDrop(env, user_id, at)).filter(Boolean).length;
  expect([taken("user_ada"), taken("user_grace"), taken(null), taken(null)]).toEqual([60, 60, 60, 0]);
  expect([taken("user_ada", now + 59_000), taken("user_ada", now + 70_000)]).toEqual([0, 60]);
});
