// Tools that say that they wait for nothing outside: their reply is not stored before they have a result.
import { describe, expect, it } from "vitest";
import { callTool } from "../../test/fakes/call-tool.ts";
import { noSettings } from "../../test/fakes/settings.ts";
import { createTools } from "./index.ts";

const tools = createTools(noSettings).filter(({ local }) => local);

const inputs: Record<string, unknown> = {
  create_tasks: { sections: [{ title: "S", tasks: ["A"] }] },
  view_tasks: {},
  update_tasks: { task_ids: ["task_1"], status: "completed" },
  delete_tasks: { task_ids: ["task_1"] },
  clear_all: { confirm: true },
  read_result: { result_id: "call_1" },
  ask: { question: "Which one?" },
  complete: { summary: "Done." },
};

describe("a local tool", () => {
  it("is each of those that plan, ask and read a result, and no other", () => {
    expect(tools.map(({ name }) => name).sort()).toEqual(Object.keys(inputs).sort());
  });

  it.each(tools)(
    "$name has its result in the turn of the event loop in which it is called, and may repeat it",
    async (tool) => {
      let isOver = false;
      const called = callTool(tools, tool.name, inputs[tool.name]).then(() => {
        isOver = true;
      });
      const turn = Promise.withResolvers<void>();
      setImmediate(() => turn.resolve());
      await turn.promise;
      expect([isOver, tool.recovery]).toEqual([true, "repeat"]);
      await called;
    },
  );
});
