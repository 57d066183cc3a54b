import { expect, it } from "vitest";
import { describeFailures } from "./describe.ts";
import type { SearchFailure } from "./search-service.ts";

const failures = (...reasons: SearchFailure["reason"][]) =>
  reasons.map((reason) => ({ reason, status: null, retry_after_ms: null }));

it("asks for another query where one service objects to this one, whatever the operator has to fix at others", () => {
  for (const others of [failures("account_empty"), failures("key_refused", "format_refused"), []]) {
    expect(describeFailures([...others, ...failures("bad_request")])).toMatch(/did not accept this query/);
  }
  expect(describeFailures(failures("bad_request", "timeout"))).toMatch(/Make this call once more/);
});

it("says when the searches of a day begin anew, and not to try it before", () => {
  const used: SearchFailure = { reason: "over_quota", status: null, retry_after_ms: 5 * 3_600_000 };
  const said = describeFailures([used, ...failures("account_empty", "over_budget")]);
  expect(said).toMatch(/lookups_per_day.*00:00 UTC, in 5 hours: don't try it again before.*make up no source/);
  expect(describeFailures([{ ...used, retry_after_ms: 60_000 }])).toMatch(/in 1 minute:/);
});
