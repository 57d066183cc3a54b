// When the opening of a sandbox asks whether its user may have it, and what it gives back.
import { describe, expect, it } from "vitest";
import { FakeDaytona, openFrom, refusalOf, useFakeWorld, usual } from "../../../../test/fakes/daytona.ts";
import { SandboxError } from "../../../agent/sandbox.ts";
import type { SandboxCount } from "../../provider.ts";

useFakeWorld();

describe("the count of a user's sandboxes", () => {
  function counted(fails: "take" | "start" | "build" | null = null) {
    const calls: string[] = [];
    const refuse = (call: typeof fails) => {
      if (fails === call) throw new SandboxError("quota_exceeded", "Your quota is used up.", 3_600);
    };
    const count: SandboxCount = {
      take: async ({ cpu }) => {
        calls.push(`take ${cpu}`);
        refuse("take");
      },
      start: async () => {
        calls.push("start");
        refuse("start");
      },
      build: async () => {
        calls.push("build");
        refuse("build");
      },
      giveBack: async () => void calls.push("give back"),
      note: async ({ cpu }) => void calls.push(`note ${cpu}`),
    };
    return { count, calls };
  }

  it("is asked before a sandbox is created, and gets the size of what was opened", async () => {
    const daytona = new FakeDaytona();
    const { count, calls } = counted();
    daytona.on.create = () => expect(calls).toEqual(["start", "take 2", "build"]);
    expect((await openFrom(daytona, { count, recipe: { image: "a", cpu: 2 } })).id).toBe("made-1");
    expect(calls.at(-1)).toBe(`note ${daytona.record?.cpu}`);
  });

  it("refuses a creation without an order, as a failure that the model can act on", async () => {
    const daytona = new FakeDaytona();
    const { opened } = await openFrom(daytona, { count: counted("take").count });
    expect(opened).toMatchObject({ code: "quota_exceeded", message: "Your quota is used up." });
    expect(daytona.orders).toEqual([]);
  });

  it("gets back what was taken for a creation that Daytona refuses for good", async () => {
    const daytona = new FakeDaytona();
    daytona.refusals.push(refusalOf(403, "Total CPU quota exceeded"));
    const { count, calls } = counted();
    expect((await openFrom(daytona, { count })).opened).toMatchObject({ code: "unavailable" });
    expect(calls).toEqual(["start", "take undefined", "give back"]);
  });

  it("counts a build once in an opening, however often it is ordered, and none for a snapshot", async () => {
    const daytona = new FakeDaytona();
    daytona.refusals.push(refusalOf(400, "Sandbox state change in progress"));
    const { count, calls } = counted();
    expect((await openFrom(daytona, { count, recipe: { dockerfile: "FROM a" } })).id).toBe("made-1");
    expect(daytona.orders).toEqual(["create", "create"]);
    expect(calls.filter((call) => call === "build")).toHaveLength(1);
    const other = counted();
    await openFrom(new FakeDaytona(), { count: other.count, recipe: { snapshot: "tools" } });
    expect(other.calls).not.toContain("build");
  });

  it("refuses a build without an order, and gives back what was taken for the sandbox", async () => {
    const daytona = new FakeDaytona();
    const { count, calls } = counted("build");
    const { opened } = await openFrom(daytona, { count, recipe: { image: "a" } });
    expect(opened).toMatchObject({ code: "quota_exceeded", retry_after_s: 3_600 });
    expect([daytona.orders, calls]).toEqual([[], ["start", "take undefined", "build", "give back"]]);
  });

  it("refuses to start or create one without hours, says so in its state, and leaves what is there as it is", async () => {
    for (const state of ["stopped", "archived"]) {
      const daytona = new FakeDaytona();
      daytona.record = { id: "id-1", ...usual, state };
      const { opened, reported } = await openFrom(daytona, { count: counted("start").count });
      expect(opened).toMatchObject({ code: "quota_exceeded", retry_after_s: 3_600 });
      expect(reported).toEqual([`${state}: Your quota is used up.`]);
      expect([daytona.orders, daytona.record]).toMatchObject([[], { id: "id-1", state }]);
    }
    const none = new FakeDaytona();
    const { count, calls } = counted("start");
    expect((await openFrom(none, { count })).reported).toEqual(["none: Your quota is used up."]);
    expect([none.orders, calls]).toEqual([[], ["start"]]);
  });

  it("is asked before a stopped one is started, and not for one that runs", async () => {
    const daytona = new FakeDaytona();
    daytona.record = { id: "id-1", ...usual, state: "stopped" };
    const { count, calls } = counted();
    daytona.on.start = (record) => {
      expect(calls).toEqual(["start"]);
      record.state = "started";
    };
    expect((await openFrom(daytona, { count })).id).toBe("id-1");
    expect(calls).toEqual(["start", `note ${usual.cpu}`]);
    expect((await openFrom(daytona, { count: counted("start").count })).id).toBe("id-1");
  });

  it("never refuses a sandbox that exists, but asks before it grows", async () => {
    const daytona = new FakeDaytona();
    daytona.record = { id: "id-1", ...usual, state: "started" };
    const { count, calls } = counted("take");
    expect((await openFrom(daytona, { count })).id).toBe("id-1");
    expect(calls).toEqual([`note ${usual.cpu}`]);
    const grown = await openFrom(daytona, { count, recipe: { cpu: usual.cpu + 1 } });
    expect(grown.opened).toMatchObject({ code: "quota_exceeded" });
    expect(daytona.orders).toEqual([]);
  });
});
