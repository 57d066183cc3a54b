import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { run } from "../../../test/fakes/stored-values.ts";
import type { RunStatus } from "../../protocol/run.ts";
import { runEnded } from "./events.ts";

function endOf(status: string): fc.Arbitrary<string> {
  return run.map((value) => {
    const event = runEnded({ ...value, status: status as RunStatus }, []);
    return event.type === "RUN_FINISHED" ? event.outcome.type : event.type;
  });
}

describe("the event that a run ends with", () => {
  it.each([
    ["completed", "success"],
    ["cancelled", "cancelled"],
    ["interrupted", "interrupt"],
    ["failed", "RUN_ERROR"],
  ])("says of a run that is %s: %s", (status, expected) => {
    fc.assert(fc.property(endOf(status), (end) => end === expected));
  });

  it("claims no success for a status of a later version", () => {
    fc.assert(fc.property(endOf("paused"), (end) => end === "RUN_ERROR"));
  });

  it("has the reason of a failure if the run has one, also one of a later version", () => {
    fc.assert(
      fc.property(run, (value) => {
        const { reason, ...error } = value.error ?? { code: "internal", message: "The run failed." };
        const metadata = reason === undefined ? {} : { metadata: { reason } };
        expect(runEnded({ ...value, status: "failed" }, [])).toEqual({ type: "RUN_ERROR", ...error, ...metadata });
      }),
    );
  });

  it("names the calls that the client has to make", () => {
    fc.assert(
      fc.property(run, (value) => {
        expect(runEnded({ ...value, status: "completed" }, ["call_1"])).toMatchObject({
          outcome: { type: "success", pendingToolCallIds: ["call_1"] },
        });
      }),
    );
  });
});
