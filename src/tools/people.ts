// The two calls that end a run on purpose: a question to the person, and the end of the work.
import { z } from "zod";
import { lenientObject } from "../agent/calls/leniency.ts";
import { defineTool, type Tool } from "../agent/tool.ts";
import { isRecord } from "../lib/is-record.ts";

// These tools make no request, so only a bug could take longer.
const TIME_LIMIT_MS = 10_000;
const MAX_CHOICES = 20;

const controlTool = {
  kind: "control",
  read_only: false,
  local: true,
  recovery: "repeat",
  time_limit_ms: TIME_LIMIT_MS,
} as const;

export const peopleTools: Tool[] = [
  defineTool({
    ...controlTool,
    name: "ask",
    description:
      "Ask the person a question and wait for the answer, which becomes the result of this call. Only for what you can't decide or find out yourself; not to report or to go on.",
    schema: lenientObject(
      {
        question: z.string().trim().min(1),
        choices: z.array(z.string()).max(MAX_CHOICES).optional().describe("Suggested answers; others stay possible"),
      },
      { aliases: { question: ["text", "message"], choices: ["options"] }, prepare: readChoices },
    ),
    execute: async ({ question, choices }) => ({
      content: "",
      is_error: false,
      // The choices help the client that shows them. A person may answer in other words too.
      interrupt: {
        reason: "question",
        message: question,
        response_schema: choices?.length ? { type: "string", enum: [...new Set(choices)] } : { type: "string" },
      },
    }),
  }),
  defineTool({
    ...controlTool,
    name: "complete",
    description:
      "End the run when the work is done. The summary is the last thing that the person reads: what they have now, where it is, what is not done. Not while tasks are open that you can do.",
    schema: lenientObject(
      { summary: z.string().trim().min(1) },
      { aliases: { summary: ["text", "message", "result"] } },
    ),
    execute: async ({ summary }) => ({ content: "The run ends here.", is_error: false, complete: summary }),
  }),
];

function readChoices(fields: Record<string, unknown>): Record<string, unknown> {
  if (!Array.isArray(fields.choices)) return fields;
  const choices = fields.choices.map((choice: unknown) =>
    isRecord(choice) ? (choice.label ?? choice.text ?? choice.title ?? choice.value) : choice,
  );
  return { ...fields, choices: choices.filter((choice) => choice !== "") };
}
