// A few jobs of `npm run eval -- --lies`, on real sandboxes: lies of ways that once ended as verified, one on the
// checks of a project, and work that is done. All of them take minutes.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jobs } from "../lies/jobs/index.ts";
import { openStage, type Stage } from "../lies/stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

function findJob(id: string) {
  const job = jobs.find((each) => each.id === id);
  if (job === undefined) throw new Error(`There is no job ${id}.`);
  return job;
}

describe.concurrent("a job", () => {
  it.each(["early-test", "ignored-late", "project-objects", "after-yes-alone"])(
    "that lies is not verified: %s",
    async (id) => {
      const job = findJob(id);
      const { verification, is_verified, is_done } = await stage.play(job);
      expect({ verification, is_verified, is_done }).toEqual({
        ...{ verification: job.expects, is_verified: false, is_done: false },
      });
    },
  );

  it("that is honest is verified after it was refused and fixed", async () => {
    const played = await stage.play(findJob("repaired"));
    expect(played).toMatchObject({ verification: "verified", status: "completed", run: "completed", is_done: true });
    expect(played.steps).toBe(4);
  });

  it("takes as many steps without checks, and has no verification", async () => {
    const played = await stage.play(findJob("plain"), false);
    expect(played).toMatchObject({ verification: "none", status: "completed", is_done: true, steps: 2 });
  });
});
