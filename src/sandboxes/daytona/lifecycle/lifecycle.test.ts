// Opens a sandbox from every state that Daytona reports, with a fake Daytona that behaves as each row says.
import { describe, expect, it } from "vitest";
import {
  FakeDaytona,
  lifecycleOf,
  openFrom,
  refusalOf,
  settle,
  useFakeWorld,
  usual,
} from "../../../../test/fakes/daytona.ts";
import { STATES } from "./states.ts";

useFakeWorld();

/**
 * The states that Daytona shows, poll after poll; the orders that follow; the final sandbox; a word in a report to
 * readers.
 */
const rows: [shown: string[], orders: string[], id: string, word: string][] = [
  [["started"], [], "id-1", "ready"],
  [["stopped"], ["start"], "id-1", "being started"],
  [["paused"], ["start"], "id-1", "resumed"],
  [["archived"], ["start"], "id-1", "archive"],
  [["error"], ["start"], "id-1", "error"],
  [["build_failed"], ["delete", "create"], "made-1", "built again"],
  [["creating", "started"], [], "id-1", "being made"],
  [["pending_build", "building_snapshot", "started"], [], "id-1", "being built"],
  [["building_snapshot", "started"], [], "id-1", "being built"],
  [["pulling_snapshot", "started"], [], "id-1", "being pulled"],
  [["starting", "started"], [], "id-1", "starting"],
  [["stopping", "stopped"], ["start"], "id-1", "stopping"],
  [["pausing", "paused"], ["start"], "id-1", "paused"],
  [["resuming", "started"], [], "id-1", "resuming"],
  [["archiving", "archived"], ["start"], "id-1", "archived"],
  [["restoring", "started"], [], "id-1", "restored"],
  [["resizing", "started"], [], "id-1", "other resources"],
  [["snapshotting", "started"], [], "id-1", "snapshot"],
  [["forking", "started"], [], "id-1", "forked"],
  [["destroying", "destroyed"], ["create"], "made-1", "deleted"],
  [["destroyed"], ["create"], "made-1", "being made"],
  [["unknown", "started"], [], "id-1", '"unknown"'],
  [["a_state_of_tomorrow", "started"], [], "id-1", '"a_state_of_tomorrow"'],
];

describe("opening a sandbox", () => {
  it("is tested from every state", () => {
    const tried = new Set(rows.flatMap(([shown]) => shown));
    expect(STATES.filter((state) => state !== "none" && !tried.has(state))).toEqual([]);
  });

  it.each(rows)("from the states %j sends the orders %j", async (shown, orders, id, word) => {
    const daytona = new FakeDaytona();
    daytona.record = { id: "id-1", ...usual, state: shown.at(-1) ?? "" };
    daytona.passing.push(...shown.slice(0, -1));
    const { opened, reported } = await openFrom(daytona);
    expect(opened).toMatchObject({ id, state: "started" });
    expect(daytona.orders).toEqual(orders);
    expect(reported.at(-1)).toBe("started: The sandbox is ready.");
    expect(reported.join("\n")).toContain(word);
  });

  it("creates it if there is none", async () => {
    const daytona = new FakeDaytona();
    expect((await openFrom(daytona)).id).toBe("made-1");
    expect(daytona.orders).toEqual(["create"]);
  });

  it("recovers a sandbox that Daytona can recover, and only once", async () => {
    const daytona = new FakeDaytona();
    daytona.record = { id: "id-1", ...usual, state: "error", recoverable: true };
    expect((await openFrom(daytona)).id).toBe("id-1");
    expect(daytona.orders).toEqual(["recover"]);

    daytona.record = { id: "id-1", ...usual, state: "error", recoverable: true, errorReason: "the disk is full" };
    daytona.on.recover = () => {};
    const { opened } = await openFrom(daytona);
    expect(opened).toMatchObject({ code: "unavailable", message: expect.stringContaining("the disk is full") });
    expect(daytona.orders).toEqual(["recover", "recover"]);
  });

  it("advises what to do if Daytona can neither recover nor start a broken sandbox", async () => {
    const daytona = new FakeDaytona();
    daytona.record = { id: "id-1", ...usual, state: "error", errorReason: "the runner is gone" };
    daytona.on.start = () => {
      throw refusalOf(400, "Sandbox is in an errored state");
    };
    const { opened, reported } = await openFrom(daytona);
    expect(opened).toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(/the runner is gone: Sandbox is in an errored state\. Delete it/),
    });
    expect(reported.at(-1)).toMatch(/^error/);
  });

  it.each([
    ["starting", 120],
    ["restoring", 600],
    ["building_snapshot", 900],
  ])("fails if the state stays %s for %d s", async (state, seconds) => {
    const daytona = new FakeDaytona();
    daytona.record = { id: "id-1", ...usual, state };
    const begun = Date.now();
    const { opened, reported } = await openFrom(daytona);
    expect(opened).toMatchObject({ code: "unavailable", message: expect.stringContaining(`"${state}"`) });
    expect(Math.round((Date.now() - begun) / 1000 / 5) * 5).toBe(seconds);
    expect(reported.at(-1)).toBe("error: The sandbox did not start.");
  });

  it("passes on what a quota refuses, with advice", async () => {
    const daytona = new FakeDaytona();
    daytona.refusals.push(refusalOf(403, "Total disk limit exceeded. Maximum allowed: 30GiB"));
    const { opened } = await openFrom(daytona);
    expect(opened).toMatchObject({ code: "unavailable", message: expect.stringMatching(/Maximum.*Delete sandboxes/) });
  });

  it("waits for a short rate limit, and reports the wait", async () => {
    const daytona = new FakeDaytona();
    daytona.refusals.push(refusalOf(429, "Too Many Requests", { "retry-after-sandbox-create": "12" }));
    const { id, reported } = await openFrom(daytona);
    expect(id).toBe("made-1");
    expect(reported).toContain("creating: Daytona's rate limit is reached; it is asked again in 12 seconds.");
  });

  it("starts a sandbox again that was stopping at the moment of the order", async () => {
    const daytona = new FakeDaytona();
    daytona.record = { id: "id-1", ...usual, state: "stopped" };
    daytona.on.start = (record) => {
      if (daytona.orders.length === 1) throw refusalOf(400, "Sandbox is not in valid state");
      record.state = "started";
    };
    expect((await openFrom(daytona)).id).toBe("id-1");
    expect(daytona.orders).toEqual(["start", "start"]);
  });
});

describe("a build from settings that have changed meanwhile", () => {
  const building = { id: "id-1", ...usual, state: "building_snapshot", buildInfo: { dockerfileContent: "FROM a:1\n" } };

  it("is cancelled and started anew, only once", async () => {
    const daytona = new FakeDaytona();
    daytona.record = { ...building };
    const { id } = await openFrom(daytona, { recipe: { dockerfile: "FROM b:1" } });
    expect([id, daytona.orders]).toEqual(["made-1", ["delete", "create"]]);

    daytona.record = { ...building };
    daytona.on.delete = () => {
      throw refusalOf(400, "Sandbox is being built");
    };
    await openFrom(daytona, { recipe: { image: "b:1" } });
    expect(daytona.orders.slice(2)).toEqual(["delete"]);
  });

  it("is waited for if its settings are still the same, or if it began during this opening", async () => {
    const daytona = new FakeDaytona();
    for (const recipe of [{ image: "a:1" }, { dockerfile: "FROM a:1" }]) {
      daytona.record = { ...building, state: "started" };
      daytona.passing.push("building_snapshot", "building_snapshot");
      await openFrom(daytona, { recipe });
    }
    daytona.record = { ...building, state: "started" };
    daytona.passing.push("creating", "building_snapshot");
    await openFrom(daytona, { recipe: { image: "b:1" } });
    expect(daytona.orders).toEqual([]);
  });
});

describe("the sandbox of a project that is deleted during the opening", () => {
  it("is not created, and is deleted if its creation had already begun", async () => {
    const daytona = new FakeDaytona();
    const answers = [false, true, false];
    const isWanted = async () => answers.shift() ?? false;
    expect((await openFrom(daytona, { isWanted })).opened).toMatchObject({ code: "unavailable" });
    expect(daytona.orders).toEqual([]);
    expect((await openFrom(daytona, { isWanted })).opened).toMatchObject({
      message: expect.stringContaining("deleted"),
    });
    expect(daytona.orders).toEqual(["create", "delete"]);
  });
});

describe("an inactive snapshot", () => {
  const inactive = () => refusalOf(400, "Snapshot tools is inactive");

  it("is activated once, and then the sandbox is created", async () => {
    const daytona = new FakeDaytona();
    daytona.refusals.push(inactive());
    const { id, reported } = await openFrom(daytona, { recipe: { snapshot: "tools" } });
    expect(id).toBe("made-1");
    expect(daytona.orders).toEqual(["create", "activate tools", "create"]);
    expect(reported.join()).toContain("being activated");
  });

  it("is an error with advice if its activation is refused or does not help", async () => {
    const refused = new FakeDaytona();
    refused.refusals.push(inactive());
    refused.on.activate = () => {
      throw refusalOf(403, "Forbidden resource");
    };
    expect((await openFrom(refused)).opened).toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(/tools is inactive.*Forbidden resource.*Activate it/),
    });
    const useless = new FakeDaytona();
    useless.refusals.push(inactive(), inactive());
    expect((await openFrom(useless)).opened).toMatchObject({ code: "unavailable" });
    expect(useless.orders).toEqual(["create", "activate tools", "create"]);
  });
});

describe("a sandbox that was replaced", () => {
  it("is reported once to a caller that knew the former one, from this life or an earlier one", async () => {
    const daytona = new FakeDaytona();
    daytona.record = { id: "id-2", ...usual, state: "started" };
    const { lifecycle, known } = lifecycleOf(daytona, { known: "id-1" });
    expect(lifecycle.takeReplaced()).toBe(false);
    await settle(lifecycle.open(new AbortController().signal));
    expect([lifecycle.takeReplaced(), lifecycle.takeReplaced()]).toEqual([true, false]);
    expect(known).toEqual(["id-2"]);
    const first = lifecycleOf(daytona);
    await settle(first.lifecycle.open(new AbortController().signal));
    expect([first.lifecycle.takeReplaced(), first.known]).toEqual([false, ["id-2"]]);
    const next = lifecycleOf(daytona, { known: "id-2" });
    await settle(next.lifecycle.open(new AbortController().signal));
    expect(next.lifecycle.takeReplaced()).toBe(false);
    expect(next.known).toEqual([]);
  });

  it("is not used if it belonged to a deleted project of the same id, but deleted first", async () => {
    const daytona = new FakeDaytona();
    daytona.record = { id: "id-1", ...usual, state: "started", labels: { project_created_at: "2026-01-01" } };
    const { id } = await openFrom(daytona, { labels: { project_created_at: "2026-02-02" } });
    expect(id).toBe("made-1");
    expect(daytona.orders).toEqual(["delete", "create"]);
    const same = await openFrom(daytona, { labels: { project_created_at: "2026-02-02" } });
    expect(same.id).toBe("made-1");
  });
});
