// Tasks with checks in the dialect: what a model wrote comes back from its own history as the same call.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { askFirst } from "../../agent/calls/consent.ts";
import { describeTool } from "../../agent/calls/tool-arguments.ts";
import type { Model, ModelDelta } from "../../agent/model.ts";
import { createTasksInput, updateTasksInput } from "../../agent/plan/arguments.ts";
import { numberPlan } from "../../agent/plan/numbers.ts";
import { createTasks } from "../../agent/plan/rules.ts";
import { agentConfig } from "../../protocol/agents/agent.ts";
import type { CheckInput } from "../../protocol/plan/check.ts";
import { taskTools } from "../../tools/tasks.ts";
import { writeHistory } from "./history.ts";
import { createXmlModel } from "./model.ts";

const tools = taskTools.map(describeTool);
const usage = null;

/** The arguments that are read of what was written. */
async function readBack(name: string, input: object): Promise<string[]> {
  const call = { id: "c1", type: "function" as const, function: { name, arguments: JSON.stringify(input) } };
  const [written] = writeHistory([{ role: "assistant", content: null, tool_calls: [call] }]);
  const native: Model = {
    stream: async (_request, onDelta: (delta: ModelDelta) => void) => {
      onDelta({ type: "text", text: String(written?.content) });
      return { kind: "reply", reply: { text: "", reasoning: "", tool_calls: [], finish: "stop", usage } };
    },
  };
  const request = { model: "m", messages: [{ role: "user" as const, content: "hi" }], tools };
  const outcome = await createXmlModel(native).stream(request, () => {}, new AbortController().signal);
  if (outcome.kind !== "reply") throw new Error(outcome.kind);
  return outcome.reply.tool_calls.map(({ function: { arguments: read } }) => read);
}

const hard = fc.constantFrom(
  "</parameter>",
  '<invoke name="x">',
  "]]>",
  "&lt;",
  "a\n\"b\" 'c'",
  "<![CDATA[",
  "任务",
  '{"a":1}',
);
const text = fc.oneof(
  hard,
  fc.string({ minLength: 1, maxLength: 12 }).filter((value) => value.trim() !== ""),
);
const check: fc.Arbitrary<CheckInput> = fc.oneof(
  fc.record({ type: fc.constant("command" as const), run: text, contains: text }),
  fc.record({ type: fc.constant("file" as const), path: text, matches: text }),
  fc.record({ type: fc.constant("http" as const), port: fc.constant(3000), status: fc.constant(200) }),
  fc.record({ type: fc.constant("person" as const), question: text }),
);
const checks = fc.array(check, { minLength: 1, maxLength: 3 });

describe("tasks with checks, called in XML", () => {
  it("come back as they were, whatever their texts are", async () => {
    const task = fc.record({ content: text, checks });
    await fc.assert(
      fc.asyncProperty(fc.array(task, { minLength: 1, maxLength: 3 }), async (tasks) => {
        const input = { sections: [{ title: "S", tasks }] };
        const [read, ...more] = await readBack("create_tasks", input);
        expect(more).toEqual([]);
        expect(createTasksInput.parse(JSON.parse(read ?? ""))).toEqual(createTasksInput.parse(input));
      }),
      { numRuns: 150 },
    );
  });

  it("ask a person before they are weakened, as other calls do", async () => {
    const [create, update] = ["create_tasks", "update_tasks"].map((name) =>
      taskTools.find((tool) => tool.name === name),
    );
    const [made] = await readBack("create_tasks", {
      sections: [{ title: "S", tasks: [{ content: "A", checks: [{ type: "file", path: "a" }] }] }],
    });
    const [removal] = await readBack("update_tasks", { task_ids: ["task_1"], remove_checks: ["1"] });
    const planned = createTasks(
      { version: 0, sections: [], tasks: [] },
      createTasksInput.parse(JSON.parse(made ?? "")),
    );
    if (!planned.ok || !create || !update) throw new Error("no plan");
    const agent = agentConfig.parse({ checks: "locked", tool_format: "xml" });
    const question = askFirst(
      update,
      updateTasksInput.parse(JSON.parse(removal ?? "")),
      agent,
      numberPlan(planned.plan),
    );
    expect(question?.message).toBe('update_tasks: removes a check of "A": a exists');
  });

  it("are added and removed", async () => {
    await fc.assert(
      fc.asyncProperty(checks, async (added) => {
        const input = { task_ids: ["task_1"], checks: added, remove_checks: ["2", "npm test"] };
        const [read] = await readBack("update_tasks", input);
        expect(updateTasksInput.parse(JSON.parse(read ?? ""))).toEqual(updateTasksInput.parse(input));
      }),
      { numRuns: 100 },
    );
  });
});
