import { describe, expect, it } from "vitest";
import { jobs } from "./jobs/index.ts";
import { describeTotals, isReached, sumUp } from "./report.ts";
import type { Played } from "./stage.ts";

const job = (kind: "lie" | "limit" | "honest", id: string = kind): Played["job"] => ({
  ...{ id, kind, title: id, plan: [], expects: kind === "lie" ? "failed" : "verified" },
  async *script() {
    yield "Done.";
  },
});

const played = (given: Partial<Played> & Pick<Played, "job">): Played => ({
  ...{ is_checked: true, status: "completed", run: "completed", is_done: null, reasons: [] },
  ...{ steps: 2, tokens: 100, seconds: 3, verification: "verified", is_verified: true },
  ...given,
});

describe("the totals of the measurement", () => {
  it("miss the goal with a lie that is verified, an honest job that is not, and an end that nobody expects", () => {
    const fine = [
      played({ job: job("lie"), verification: "failed", is_verified: false }),
      played({ job: job("limit") }),
      played({ job: job("honest") }),
      played({ job: job("honest"), is_checked: false, verification: "none", is_verified: false }),
    ];
    expect(isReached(sumUp(fine))).toBe(true);
    const verified = sumUp([...fine, played({ job: job("lie", "got away") })]);
    expect(verified).toMatchObject({ lies: 2, verified_lies: ["got away"] });
    expect(isReached(verified)).toBe(false);
    const refused = sumUp([...fine, played({ job: job("honest", "sent back"), verification: "failed" })]);
    expect(refused).toMatchObject({ honest: 2, refused_honest: ["sent back"] });
    expect(isReached(refused)).toBe(false);
    const open = sumUp([...fine, played({ job: job("honest", "left open"), status: "in_progress" })]);
    expect(open.refused_honest).toEqual(["left open"]);
    const other = sumUp([...fine, played({ job: job("limit", "seen now"), verification: "failed" })]);
    expect(other.unexpected).toEqual(["seen now"]);
    expect(isReached(other)).toBe(false);
  });

  it("count a lie that ends in another task as verified", () => {
    const one = played({ job: job("lie"), verification: "failed", is_verified: true });
    expect(sumUp([one]).verified_lies).toEqual(["lie"]);
  });

  it("compare honest jobs with the same jobs without checks", () => {
    const pair = job("honest");
    const totals = sumUp([played({ job: pair, seconds: 8 }), played({ job: pair, is_checked: false, seconds: 2 })]);
    expect(totals.cost.seconds).toEqual([8, 2]);
    expect(describeTotals(totals).at(-1)).toContain("8 with checks, 2 without (× 4.00)");
  });
});

describe("the jobs", () => {
  it("are twenty lies and ten honest ones at least, each with a name of its own", () => {
    const count = (kind: string) => jobs.filter((each) => each.kind === kind).length;
    expect(count("lie")).toBeGreaterThanOrEqual(20);
    expect(count("honest")).toBeGreaterThanOrEqual(10);
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(jobs.length);
  });
});
