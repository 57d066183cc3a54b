// What both peers give the model: the bench's model calls these two tools, which do nothing.
import { type ToolSet, tool } from "ai";
import { z } from "zod";

export const MODEL = "bench";
export const MODEL_KEY = "model-key";
export const INSTRUCTIONS = "You are a helpful assistant.";
/** More model calls than any turn of the bench has. */
export const MAX_STEPS = 50;

export const tools = {
  view_tasks: tool({
    description: "Shows the tasks.",
    inputSchema: z.object({}),
    execute: async () => "done",
  }),
  update_tasks: tool({
    description: "Updates tasks.",
    inputSchema: z.object({ task_ids: z.array(z.string()) }),
    execute: async () => "done",
  }),
} satisfies ToolSet;
