// A model that plans two tasks and works through them: it decides from the messages alone, so it serves any number of
// lives. Also the tools that it uses.

import { z } from "zod";
import type { ModelDelta, ModelRequest } from "../../src/agent/model.ts";
import { defineTool, type Tool } from "../../src/agent/tool.ts";
import { taskTools } from "../../src/tools/tasks.ts";
import { type Reply, reply } from "./replies.ts";
import { taskIdsIn } from "./task-ids.ts";

interface Turn {
  reasoning?: string[];
  text?: string[];
  calls?: { id: string; name: string; input: unknown }[];
}

/** Sends the turn in small pieces, with interleaved arguments. */
export function playTurn(turn: Turn): Reply {
  return async (_request, onDelta) => {
    const { reasoning = [], text = [], calls = [] } = turn;
    const pause = () => new Promise<void>((resolve) => setImmediate(resolve));
    const emit = async (delta: ModelDelta): Promise<void> => {
      onDelta(delta);
      await pause();
    };
    for (const piece of reasoning) await emit({ type: "reasoning", text: piece });
    for (const piece of text) await emit({ type: "text", text: piece });
    for (const [index, { id, name }] of calls.entries()) await emit({ type: "tool_call", index, id, name });
    const written = calls.map(({ input }) => JSON.stringify(input));
    for (const half of [0, 1]) {
      for (const [index, json] of written.entries()) {
        const middle = Math.ceil(json.length / 2);
        const piece = half === 0 ? json.slice(0, middle) : json.slice(middle);
        await emit({ type: "tool_arguments", index, text: piece });
      }
    }
    return reply({
      text: text.join(""),
      reasoning: reasoning.join(""),
      tool_calls: calls.map(({ id, name }, index) => ({
        id,
        type: "function",
        function: { name, arguments: written[index] ?? "" },
      })),
      finish: calls.length > 0 ? "tool_calls" : "stop",
    });
  };
}

/** Plan; two calls side by side under a running task; both tasks done; a last word. */
export const twoTaskModel: Reply = (request, onDelta, signal) => {
  const results = request.messages.filter(({ role }) => role === "tool").length;
  return playTurn(turnAfter(results, request))(request, onDelta, signal);
};

function turnAfter(results: number, request: ModelRequest): Turn {
  if (results === 0) {
    const input = { sections: [{ title: "需求", tasks: ["first 🛒", "second"] }] };
    return {
      reasoning: ["let me ", "think"],
      text: ["I make ", "a plan"],
      calls: [{ id: "c_plan", name: "create_tasks", input }],
    };
  }
  if (results === 1) {
    return {
      text: ["now ", "I work"],
      calls: [
        { id: "c_work", name: "work", input: { what: "alpha" } },
        { id: "c_look", name: "look", input: { where: "beta" } },
      ],
    };
  }
  if (results === 3) {
    const task_ids = idsOf(request);
    return { calls: [{ id: "c_done", name: "update_tasks", input: { task_ids, status: "completed" } }] };
  }
  return { reasoning: ["well"], text: ["all ", "is ", "done"] };
}

function idsOf(request: ModelRequest): string[] {
  const made = request.messages.find((message) => message.role === "tool");
  return taskIdsIn(String(made?.content)).slice(0, 2);
}

/** `work` counts what it did, which no life may do twice; `look` only reads. */
export function twoTaskTools(done: string[] = []): Tool[] {
  return [
    ...taskTools,
    defineTool({
      name: "work",
      description: "Works.",
      schema: z.object({ what: z.string() }),
      kind: "work",
      read_only: false,
      recovery: "report",
      time_limit_ms: 10_000,
      execute: async ({ what }, { onOutput }) => {
        done.push(what);
        onOutput("stdout", `working on ${what}`);
        return { content: `worked on ${what}`, is_error: false, preview: { port: 8000, url: "http://p.localhost/" } };
      },
    }),
    defineTool({
      name: "look",
      description: "Looks.",
      schema: z.object({ where: z.string() }),
      kind: "work",
      read_only: true,
      recovery: "repeat",
      time_limit_ms: 10_000,
      execute: async ({ where }) => ({ content: `saw ${where}`, is_error: false }),
    }),
  ];
}
