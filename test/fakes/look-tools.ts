// Tools of random runs: the task list, questions, a look, and an answer of some thousand characters.
import { z } from "zod";
import { defineTool } from "../../src/agent/tool.ts";
import { peopleTools } from "../../src/tools/people.ts";
import { taskTools } from "../../src/tools/tasks.ts";

const work = { kind: "work", recovery: "repeat", time_limit_ms: 10_000, schema: z.object({}) } as const;
export const tools = [
  ...taskTools,
  ...peopleTools,
  defineTool({
    ...work,
    name: "look",
    description: "Looks.",
    read_only: true,
    execute: async () => ({ content: "<plan_reminder> seen \ud83d", is_error: false }),
  }),
  defineTool({
    ...work,
    name: "long",
    description: "Answers at length.",
    read_only: false,
    execute: async () => ({ content: "word ".repeat(2_000), is_error: false }),
  }),
];
