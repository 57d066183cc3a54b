import { describe, expect, it } from "vitest";
import { openD1 } from "../../../test/fakes/sqlite-d1.ts";
import { nothing } from "../../protocol/money/lease.ts";
import { deleteThread } from "../retention/removal.ts";
import { CLOSE, CLOSE_OTHERS, LIST_OPEN } from "./close.ts";
import { grantLease } from "./grant.ts";

describe("closing leases", () => {
  const plan = (query: string) =>
    openD1()
      .read<{ detail: string }>(`EXPLAIN QUERY PLAN ${query}`)
      .map(({ detail }) => detail)
      .filter((detail) => /leases|open/.test(detail));

  it("reads those that are named, however many the thread had", () => {
    expect(plan(CLOSE)).toEqual(["SEARCH leases USING PRIMARY KEY (user_id=? AND thread_id=? AND lease_id=?)"]);
  });

  it("reads those of the thread that is deleted, and nobody else's", () => {
    expect(plan(CLOSE_OTHERS)).toEqual(["SEARCH leases USING PRIMARY KEY (user_id=? AND thread_id=?)"]);
  });

  it("finds open ones by their time", () => {
    expect(plan(LIST_OPEN)).toEqual(["SEARCH open USING INDEX leases_by_time (closed_at=? AND granted_at<?)"]);
  });
});

describe("a thread that is deleted", () => {
  const key = { user_id: "user_1", thread_id: "thread_1" };
  const tokens = (count: number) => ({ ...nothing, tokens: count });

  /** What three runs are charged, of 100 tokens each: one said what it spent, one knows of no lease, one is damaged. */
  async function charge(end: Parameters<typeof deleteThread>[4]) {
    const d1 = openD1();
    for (const invocation_id of ["said", "unknown", "damaged"]) {
      const scopes = [{ scope: "user" as const, id: "user_1", period: "2026-11", caps: { max_total_tokens: 1_000 } }];
      const lease = { ...key, invocation_id, lease_id: `lease_1_${invocation_id}`, scopes, now: 0 };
      await grantLease(d1.binding, { ...lease, least: tokens(100), need: tokens(100), wanted: tokens(100) });
    }
    await deleteThread(d1.binding, key, 0, [{ lease_id: "lease_1_said", spent: tokens(30) }], end);
    const leases = d1.read<{ invocation_id: string; tokens: number; is_open: number }>(
      "SELECT invocation_id, tokens, closed_at IS NULL AS is_open FROM leases",
    );
    const [budget] = d1.read<object>("SELECT tokens, open_tokens FROM budgets");
    const charged = leases.map((each) => [each.invocation_id, each.tokens, each.is_open === 1 ? "open" : "closed"]);
    return { charged: charged.toSorted(), budget: { ...budget } };
  }

  it("is charged for what its runs say, in full where a run can't be read, and nothing for the rest", async () => {
    expect(await charge({ unread_runs: ["damaged"] })).toEqual({
      charged: [
        ["damaged", 100, "closed"],
        ["said", 30, "closed"],
        ["unknown", 0, "closed"],
      ],
      budget: { tokens: 130, open_tokens: 0 },
    });
  });

  it("leaves the rest open where nobody knows it all", async () => {
    expect((await charge({})).budget).toEqual({ tokens: 230, open_tokens: 200 });
  });
});
