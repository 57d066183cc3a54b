import { DaytonaConnectionTimeoutError, DaytonaNotFoundError } from "@daytonaio/sdk";
import { describe, expect, it } from "vitest";
import { readFailure } from "./failure.ts";

describe("readFailure", () => {
  it("describes an SDK timeout as a transport failure, without advice about the SDK's settings", () => {
    const silence = new DaytonaConnectionTimeoutError("no answer (DaytonaConfig.requestTimeoutMs, or the per-call …)");
    const failure = readFailure(silence);
    expect(failure.reason).toBe("no answer in time");
    expect(failure.is_transport).toBe(true);
  });

  it("keeps Daytona's message and status of an answered request", () => {
    const failure = readFailure(new DaytonaNotFoundError("Sandbox x not found", 404));
    expect(failure).toMatchObject({ reason: "Sandbox x not found", status: 404, is_transport: false });
  });
});
