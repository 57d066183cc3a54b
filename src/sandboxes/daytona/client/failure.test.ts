import { DaytonaConnectionTimeoutError, DaytonaNotFoundError } from "@daytonaio/sdk";
import { describe, expect, it } from "vitest";
import { readFailure } from "./failure.ts";

describe("a failure of the SDK", () => {
  it("that is silence says so, without advice about the SDK's own settings", () => {
    const silence = new DaytonaConnectionTimeoutError("no answer (DaytonaConfig.requestTimeoutMs, or the per-call …)");
    const failure = readFailure(silence);
    expect(failure.reason).toBe("no answer in time");
    expect(failure.is_of_the_way).toBe(true);
  });

  it("that was answered keeps Daytona's words", () => {
    const failure = readFailure(new DaytonaNotFoundError("Sandbox x not found", 404));
    expect(failure).toMatchObject({ reason: "Sandbox x not found", status: 404, is_of_the_way: false });
  });
});
