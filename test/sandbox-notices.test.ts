import { describe, expect, it } from "vitest";
import { planFor, STATES } from "../src/sandboxes/daytona/lifecycle/states.ts";
import { saySandbox } from "../src/web/conversation/sandbox-notice.ts";

describe("what is said of a sandbox that is waited for", () => {
  it.each(STATES.filter((state) => state !== "started"))("is Chinese on a Chinese page: %s", (state) => {
    const { message } = planFor(state);
    expect(saySandbox("zh", { state, message })).toMatch(/^[\u4e00-\u9fff，]+…$/);
    expect(saySandbox("en", { state, message })).toBe(message);
  });

  it("is the build's own line while an image is built", () => {
    const line = { state: "building_snapshot", message: "Step 3/7: RUN apt-get install -y git" };
    expect(saySandbox("zh", line)).toBe(line.message);
  });
});
