// What two versions hand to each other besides calls, across a deploy and a rollback: entries of the Worker, jobs of the
// queue, and what an object has stored. `versions.test.ts` has the methods.
import { describe, expect, it } from "vitest";
import { useTool } from "./runs-client.ts";
import { contents, jobs, makePlan, makeWaiting, newJobs, type Place, question, startPlace } from "./version-cases.ts";

describe("the Worker", () => {
  it("has no entry that the cases above don't know", async () => {
    const place = await startPlace();
    try {
      const entrances = {
        exports: expect.arrayContaining(["ThreadObject", "default"]),
        handlers: expect.arrayContaining(["fetch", "queue", "scheduled"]),
      };
      for (const version of ["former", "current"] as const) {
        await place.deploy(version, version);
        const { exports, handlers } = await place.versions.listEntrances();
        expect({ exports, handlers }).toEqual(entrances);
        // The test's own module has one more.
        expect(exports.filter((name) => name !== "publicEntrypoint")).toHaveLength(2);
        expect(handlers).toHaveLength(3);
      }
    } finally {
      await place.versions.close();
      await place.model.close();
    }
  });

  it("takes each kind of job that the other version has sent", async () => {
    const place = await startPlace();
    try {
      for (const version of ["former", "current"] as const) {
        const known = Object.values(jobs).filter(({ type }) => version === "current" || !newJobs.includes(type));
        await place.deploy(version, version);
        for (const queue of ["taskloom-jobs", "taskloom-dead"]) await place.versions.deliver(queue, known);
        expect(place.versions.events.filter((event) => event === "job_refused")).toEqual([]);
        await place.versions.deliver("taskloom-jobs", [{ type: "none" }]);
        await expect.poll(() => place.versions.events.splice(0)).toContain("job_refused");
      }
    } finally {
      await place.versions.close();
      await place.model.close();
    }
  });
});

/** All that a client reads of a thread. */
async function readAll({ server, runs }: Place, thread: string): Promise<unknown> {
  const paths = ["", "/messages?limit=200", "/tasks?include=ledger", "/runs", "/inbox"];
  const read = await Promise.all(paths.map((path) => server.json<object>("GET", `/v1/threads/${thread}${path}`)));
  const ended = (await runs.listRuns(thread)).filter(({ status }) => status !== "running" && status !== "queued");
  return [read, await Promise.all(ended.map(({ invocation_id }) => runs.eventsOf(thread, invocation_id)))];
}

describe("what an object stored", () => {
  it("is read the same after the deploy and after the rollback, and each version continues with the other's runs", async () => {
    const place = await startPlace();
    const answer = async (run: number) => {
      const { interrupts } = await place.runs.readRun("asked", `asked-${run}`);
      const resume = [{ interrupt_id: interrupts[0]?.id, status: "resolved", payload: "blue" }];
      await place.runs.post(`asked/runs/asked-${run}/resume`, { resume, invocation_id: `asked-${run + 1}` });
    };
    const endAsked = async (run: number) => {
      await place.runs.eventsOf("asked", `asked-${run}`);
      return (await place.runs.readRun("asked", `asked-${run}`)).status;
    };
    try {
      await place.deploy("former", "former");
      await makePlan(place, "asked");
      const before = await readAll(place, "asked");
      await makeWaiting(place, "amid");

      await place.deploy("current", "current");
      expect(await readAll(place, "asked")).toMatchObject(before as object);
      // Whoever asks wakes the thread; else its alarm does.
      await place.runs.listRuns("amid");
      await place.answerOf("amid", "One, two.");
      await place.runs.eventsOf("amid", "amid-1");
      expect(await place.runs.readRun("amid", "amid-1")).toMatchObject({ status: "completed", attempt: 2 });
      const waiting = await place.nextOf("amid");
      await answer(1);
      useTool(await place.nextOf("asked"), "ask-2", "ask", question);
      expect(await endAsked(2)).toBe("interrupted");
      const between = await readAll(place, "asked");
      waiting.text("Three");

      await place.deploy("former", "former");
      const back = await readAll(place, "asked");
      expect(between).toMatchObject(back as object);
      await place.runs.listRuns("amid");
      await place.answerOf("amid", "Later.");
      await place.runs.eventsOf("amid", "amid-2");
      expect(await place.runs.readRun("amid", "amid-2")).toMatchObject({ status: "completed", attempt: 2 });
      await answer(2);
      const call = await place.nextOf("asked");
      const ids = (await contents(place, "asked")).sections.flatMap(({ tasks }) => tasks.map(({ id }) => id));
      useTool(call, "end-1", "update_tasks", { task_ids: ids, status: "cancelled" });
      await place.answerOf("asked", "Blue it is.");
      expect(await endAsked(3)).toBe("completed");

      await place.deploy("current", "current");
      const texts = await place.runs.listMessages("asked", "assistant");
      expect(JSON.stringify(texts.at(-1)?.content)).toContain("Blue it is.");
    } finally {
      await place.versions.close();
      await place.model.close();
    }
  });
});
