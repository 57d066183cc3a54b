// The numbers by which a model knows tasks outlive lives, and no client sees them.
import { describe, expect, it } from "vitest";
import { call, type Reply, say } from "../../../test/fakes/replies.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { taskTools } from "../../tools/tasks.ts";
import { editPlan } from "../run/plan-edit.ts";
import { messagesSnapshot } from "../stream/snapshot.ts";
import { readPlan, readPlanMessage } from "./messages.ts";

const create = (...tasks: string[]) =>
  call({ id: crypto.randomUUID(), name: "create_tasks", input: { sections: [{ title: "S", tasks }] } });
const remove = (...task_ids: string[]) => call({ id: crypto.randomUUID(), name: "delete_tasks", input: { task_ids } });

async function run(...replies: Reply[]): Promise<FakeThread> {
  const thread = new FakeThread({ replies, defaultReply: say("Done."), tools: taskTools });
  await thread.run("go");
  return thread;
}

const namesOf = ({ life }: FakeThread) => life.state.plan.tasks.map(({ number, content }) => `${number} ${content}`);

describe("the numbers of tasks", () => {
  it("are the same in the next life, and never given again", async () => {
    const thread = await run(create("A", "B", "C"), remove("task_3"));
    thread.crash();
    expect(namesOf(thread)).toEqual(["1 A", "2 B"]);
    thread.replies.push(create("D"));
    await thread.run("more");
    thread.crash();
    expect(namesOf(thread)).toEqual(["1 A", "2 B", "4 D"]);
  });

  it("are given to rows that have none, in their order, and again if they can't be read", async () => {
    const thread = await run(create("A", "B", "C"), remove("task_1"));
    for (const broken of [
      "DELETE FROM meta WHERE key = 'plan_numbers'",
      "UPDATE meta SET value = '{' WHERE key = 'plan_numbers'",
    ]) {
      thread.life.database.sql.exec(broken);
      thread.crash();
      expect(namesOf(thread)).toEqual(["1 B", "2 C"]);
      expect(namesOf(thread)).toEqual(["1 B", "2 C"]);
      thread.crash();
      expect(namesOf(thread)).toEqual(["1 B", "2 C"]);
      thread.life.database.sql.exec("INSERT OR REPLACE INTO meta (key, value) VALUES ('plan_numbers', '5')");
    }
  });

  it("are in no message, event, state or replica", async () => {
    const thread = await run(create("A", "B"));
    await editPlan(thread.life, {
      request_id: "r",
      version: null,
      operations: [{ op: "create", section_title: "S", task_contents: ["P"] }],
    });
    await thread.life.outbox.sync();
    expect(namesOf(thread)).toEqual(["1 A", "2 B", "3 P"]);
    const { life } = thread;
    const shown = [
      readPlanMessage(life.database.sql, life.thread)?.content,
      life.state.value,
      messagesSnapshot(life),
      thread.batches,
      thread.read({ resync: true }).events,
    ];
    for (const each of shown) expect(JSON.stringify(each)).not.toMatch(/"number"|last_numbers/);
    expect(readPlan(life.database.sql).last_numbers).toEqual({ task: 3, sec: 1 });
  });
});
