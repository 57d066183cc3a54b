import { describe, expect, it } from "vitest";
import { requireAbility } from "./workspace.ts";

describe("an ability that a provider of sandboxes may lack", () => {
  it("is refused as not configured where it is missing, and answers where it is not", async () => {
    const workspace: { openSsh?(): Promise<string> } = {};
    expect(() => requireAbility(workspace.openSsh?.(), "SSH")).toThrow(
      expect.objectContaining({
        failure: { code: "not_configured", detail: "The sandboxes of this server don't offer SSH." },
      }),
    );
    workspace.openSsh = async () => "opened";
    expect(await requireAbility(workspace.openSsh?.(), "SSH")).toBe("opened");
  });
});
