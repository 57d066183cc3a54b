import { expect, it } from "vitest";
import { describeFailures } from "./describe.ts";
import type { SearchFailure } from "./search-service.ts";

const failures = (...reasons: SearchFailure["reason"][]) =>
  reasons.map((reason) => ({ reason, status: null, retry_after_ms: null }));

it("asks for another query where one service objects to this one, whatever the operator has to mend at others", () => {
  for (const others of [failures("account_empty"), failures("key_refused", "format_refused"), []]) {
    expect(describeFailures([...others, ...failures("bad_request")])).toMatch(/did not accept this query/);
  }
  expect(describeFailures(failures("bad_request", "timeout"))).toMatch(/Make this call once more/);
});
