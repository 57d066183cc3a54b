import { DaytonaConnectionTimeoutError, DaytonaNotFoundError } from "@daytonaio/sdk";
import { describe, expect, it } from "vitest";
import { DaytonaFailure, readFailure } from "./failure.ts";
import { loadSdk } from "./sdk.ts";

await loadSdk();

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

describe("what Daytona 0.190 says", () => {
  const failureOf = (status: number, message: string, source?: string) =>
    new DaytonaFailure(message, { status, source });

  it.each([
    [400, "failed to get runner info: Service Unavailable"],
    [400, "failed to get sandbox public status: timeout"],
  ])("passes, and reached no sandbox: %i %s", (status, message) => {
    const failure = failureOf(status, message);
    expect(failure).toMatchObject({ is_passing_refusal: true, is_transport: true, needs_state_check: true });
  });

  it("leaves open whose fault a 401 is, unless the daemon says it", () => {
    expect(failureOf(401, "authentication failed: Bearer token is invalid")).toMatchObject({
      ...{ is_key_refusal: true, needs_state_check: true, is_transport: false },
    });
    expect(failureOf(401, "authentication required", "DAYTONA_DAEMON").is_key_refusal).toBe(false);
  });

  it("distinguishes an operation that it does not have from a thing that does not exist", () => {
    expect(failureOf(404, "Cannot POST /api/sandbox/x/resize").is_missing_route).toBe(true);
    expect(failureOf(404, "Sandbox with ID or name x not found").is_missing_route).toBe(false);
  });
});
