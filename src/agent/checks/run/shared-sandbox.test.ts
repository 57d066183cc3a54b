// Threads of a project share its sandbox: a check of one during which another one works.
import { describe, expect, it } from "vitest";
import { CheckWorld } from "../../../../test/fakes/check-world.ts";
import type { CheckInput } from "../../../protocol/plan/check.ts";

const test: CheckInput = { type: "command", run: "npm test" };

/** Another thread writes a file during the first looks. */
function disturb(world: CheckWorld, looks: number): void {
  let seen = 0;
  world.place.onCall = async (name) => {
    if (name === "run npm test" && ++seen <= looks) world.place.files.set(`other ${seen}.txt`, "x");
  };
}

describe("a check during which files changed", () => {
  it("runs once more if another thread was at work, and passes on files that nothing changes", async () => {
    const world = new CheckWorld();
    world.place.deeds.set("npm test", { output: "3 passed\n" });
    disturb(world, 1);
    const [receipt] = await world.run([test], { othersAtWork: async () => true });
    expect(receipt).toMatchObject({ outcome: "passed", reason: "`npm test` exited with 0." });
    expect(receipt).not.toHaveProperty("changed_files");
    expect(world.place.started).toEqual(["npm test", "npm test"]);
    // It is about the files as they were the second time.
    const [alone] = await world.run([test], { scope: "run_2" });
    expect(receipt?.tree).toBe(alone?.tree);
  });

  it("has not run if they change again, and says what may have changed them", async () => {
    const world = new CheckWorld();
    world.place.deeds.set("npm test", {});
    disturb(world, 9);
    const [receipt] = await world.run([test], { othersAtWork: async () => true });
    expect(receipt).toMatchObject({ outcome: "not_run", exit_code: 0, changed_files: ["other 2.txt"] });
    expect(receipt?.reason).toMatch(/^While it ran, "other 2\.txt" changed\. Another conversation of this project/);
    expect(world.place.started).toHaveLength(2);
  });

  it("has failed if the other thread has ended before the second look, or nobody knows of one", async () => {
    for (const answers of [[true, false], [false], ["unknown"]]) {
      const world = new CheckWorld();
      world.place.deeds.set("npm test", { writes: { "made.txt": "x" } });
      disturb(world, 9);
      const othersAtWork = async () => {
        const answer = answers.shift();
        if (typeof answer === "boolean") return answer;
        throw new Error("D1 is away");
      };
      const [receipt] = await world.run([test], { othersAtWork });
      expect(receipt?.outcome).toBe("failed");
      expect(receipt?.reason).toMatch(/A check leaves the project's files as they are/);
    }
  });

  it("stays failed if its command fails, and its reason names the other thread, too", async () => {
    const world = new CheckWorld();
    world.place.deeds.set("npm test", { exit_code: 1 });
    disturb(world, 9);
    const [receipt] = await world.run([test], { othersAtWork: async () => true });
    expect(receipt?.outcome).toBe("failed");
    expect(receipt?.reason).toMatch(/^`npm test` exited with 1.*Another conversation of this project was at work/);
  });

  it("asks for other threads only then", async () => {
    const world = new CheckWorld();
    world.place.deeds.set("npm test", {});
    const othersAtWork = () => Promise.reject(new Error("asked"));
    expect((await world.run([test], { othersAtWork }))[0]?.outcome).toBe("passed");
    expect(world.place.started).toHaveLength(1);
  });
});
