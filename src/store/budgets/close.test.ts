import { describe, expect, it } from "vitest";
import { openD1 } from "../../../test/fakes/sqlite-d1.ts";
import { CLOSE, LIST_OPEN } from "./close.ts";

describe("closing leases", () => {
  const plan = (query: string) =>
    openD1()
      .read<{ detail: string }>(`EXPLAIN QUERY PLAN ${query}`)
      .map(({ detail }) => detail)
      .filter((detail) => /leases|open/.test(detail));

  it("reads those that are named, however many the thread had", () => {
    expect(plan(CLOSE)).toEqual(["SEARCH leases USING PRIMARY KEY (user_id=? AND thread_id=? AND lease_id=?)"]);
  });

  it("finds open ones by their time", () => {
    expect(plan(LIST_OPEN)).toEqual(["SEARCH open USING INDEX leases_by_time (closed_at=? AND granted_at<?)"]);
  });
});
