import { describe, expect, it } from "vitest";
import { requireAbility } from "./workspace.ts";

describe("an ability that a sandbox provider may lack", () => {
  it("is refused as not configured if the provider lacks it, and works otherwise", async () => {
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
