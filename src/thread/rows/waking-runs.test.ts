// What a life that wakes reads of the thread's runs: it finds all that it needs in two looks at each row.
import { describe, expect, it } from "vitest";
import { say } from "../../../test/fakes/replies.ts";
import { settle } from "../../../test/fakes/stream.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import type { Sql } from "./database.ts";
import { readPosition } from "./shapes/position.ts";
import { readWakingRuns } from "./waking-runs.ts";

/** Reads as a waking life does, and counts the statements that name no run. */
function wake(thread: FakeThread) {
  const { sql } = thread.life.database;
  let scans = 0;
  const counted: Sql = {
    exec: (query, ...bindings) => {
      if (!query.includes("WHERE invocation_id = ?")) scans += 1;
      return sql.exec(query, ...bindings);
    },
  };
  const { live, changed, newestStarted, lastPosition } = readWakingRuns(counted, readPosition(sql));
  const newest = newestStarted?.run.invocation_id ?? null;
  return { scans, live: [...live.keys()], changed, newest, lastPosition };
}

describe("a life that wakes", () => {
  it("scans the runs twice, however many there are", async () => {
    const thread = new FakeThread({ defaultReply: say("Done.") });
    // The ids are not in the order of the runs.
    for (const invocation_id of ["inv_c", "inv_a", "inv_b"]) await thread.run("hello", { invocation_id });
    await settle();
    // D1 has the last change of the last run too, and it has the number of the position.
    expect(wake(thread)).toEqual({ scans: 2, live: [], changed: [], newest: "inv_b", lastPosition: 3 });
  });

  it("finds a running and a waiting run, and that D1 may not have them", async () => {
    const thread = new FakeThread({ replies: [say("Done.")], defaultReply: () => new Promise<never>(() => {}) });
    await thread.run("first", { invocation_id: "inv_c" });
    await thread.accept("second", { invocation_id: "inv_b" });
    await thread.accept("third", { invocation_id: "inv_a" });
    await settle();
    const found = wake(thread);
    expect(found).toMatchObject({ scans: 2, live: ["inv_b", "inv_a"], newest: "inv_b", lastPosition: 3 });
    expect(found.changed).toContain("inv_a");
  });
});
