// Which rows of sandboxes the clock takes for left behind: it deletes their sandboxes, with all files.
import { describe, expect, it } from "vitest";
import { openD1 } from "../../../test/fakes/sqlite-d1.ts";
import { deleteThread } from "../retention/removal.ts";
import { syncThread } from "../sync.ts";
import { listLeftSandboxes, noteSandbox } from "./sandboxes.ts";

const DAY = 24 * 3_600_000;
const key = { user_id: "user_1", thread_id: "thread_1" };
const created_at = "2026-11-01T00:00:00.000Z";
const place = { user_id: "user_1", project_id: "proj_1" };
const now = Date.parse(created_at) + 2 * DAY;

async function worldWithSandbox() {
  const d1 = openD1();
  await noteSandbox(d1.binding, { ...place, created_at, cpu: 1, memory: 1, disk: 1 });
  const bring = (project_id: string) =>
    syncThread(d1.binding, {
      ...{ key, project: null, messages: [], runs: [] },
      thread: { ...key, project_id, agent_id: "a", title: null, metadata: {}, created_at, updated_at: "", version: 1 },
    });
  const listLeft = async () => (await listLeftSandboxes(d1.binding, now - DAY, 10)).map((row) => row.project_id);
  return { d1, bring, listLeft };
}

describe("the row of a sandbox whose project D1 does not have", () => {
  it("is left behind after a day, and not before", async () => {
    const { d1, listLeft } = await worldWithSandbox();
    expect(await listLeft()).toEqual(["proj_1"]);
    expect(await listLeftSandboxes(d1.binding, Date.parse(created_at), 10)).toEqual([]);
  });

  it("is not while a thread of the project is there, which works with its files", async () => {
    const { d1, bring, listLeft } = await worldWithSandbox();
    await bring("proj_2");
    expect(await listLeft()).toEqual(["proj_1"]);
    await d1.binding.prepare("DELETE FROM threads").run();
    await bring("proj_1");
    expect(await listLeft()).toEqual([]);
    await deleteThread(d1.binding, key, now);
    expect(await listLeft()).toEqual(["proj_1"]);
  });
});
