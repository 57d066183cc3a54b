// Recorded replies, and a model that returns them behind the same port as a real one. They show that the path from a
// reply to its score works. They say nothing about the prompt, which no model has read, and the report says so.
import { readFile, stat, writeFile } from "node:fs/promises";
import { z } from "zod";
import type { Model, ModelReply } from "../../src/agent/model.ts";
import type { ToolCall } from "../../src/protocol/message.ts";
import { usage } from "../../src/protocol/run.ts";

/** Far above thirty replies, and small enough for memory. */
const MAX_BYTES = 8 * 1024 * 1024;

const recordedReply = z.strictObject({
  text: z.string().default(""),
  /** Arguments as the model wrote them or, in handwritten recordings, as plain JSON. */
  calls: z
    .array(z.strictObject({ name: z.string(), arguments: z.union([z.string(), z.record(z.string(), z.unknown())]) }))
    .default([]),
  usage: usage().nullable().default(null),
});
export type RecordedReply = z.infer<typeof recordedReply>;

const recordings = z.strictObject({
  origin: z.discriminatedUnion("made", [
    z.strictObject({ made: z.literal("by hand") }),
    z.strictObject({
      made: z.literal("by a model"),
      model: z.string(),
      tool_format: z.string(),
      /** Identifies what the model was sent, see `Setup.fingerprint`. */
      fingerprint: z.string(),
      recorded_at: z.string(),
    }),
  ]),
  /** By the text of the request, so that a changed request has no recording. */
  replies: z.record(z.string(), recordedReply),
});
export type Recordings = z.infer<typeof recordings>;

/** Throws an error with a message for people. */
export async function readRecordings(path: string): Promise<Recordings> {
  const found = await stat(path).catch(() => null);
  if (!found?.isFile()) throw new Error(`there are no recordings at ${path}`);
  if (found.size > MAX_BYTES) throw new Error(`the recordings at ${path} are larger than 8 MiB`);
  try {
    return recordings.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    const [why = ""] = (error instanceof z.ZodError ? z.prettifyError(error) : String(error)).split("\n");
    throw new Error(`the file at ${path} is not a recording from --record: ${why}`);
  }
}

export async function writeRecordings(path: string, recorded: Recordings): Promise<void> {
  await writeFile(path, `${JSON.stringify(recorded, null, 2)}\n`);
}

export function recordReply(reply: { text: string; calls: ToolCall[]; usage: ModelReply["usage"] }): RecordedReply {
  const calls = reply.calls.map(({ function: called }) => ({ name: called.name, arguments: called.arguments }));
  return { text: reply.text, calls, usage: reply.usage };
}

export function createReplayModel({ replies }: Recordings): Model {
  return {
    stream: async ({ messages }, onDelta, signal) => {
      const asked = messages.findLast((message) => message.role === "user")?.content;
      const recorded = typeof asked === "string" && Object.hasOwn(replies, asked) ? replies[asked] : undefined;
      if (!recorded) {
        const message = "There is no recording of this request.";
        return { kind: "failure", failure: { code: "model_error", message, retryable: false, retry_after_ms: null } };
      }
      const reply = replay(recorded);
      if (signal.aborted) return { kind: "aborted", reply: { ...reply, text: "", tool_calls: [] } };
      if (reply.text !== "") onDelta({ type: "text", text: reply.text });
      for (const [index, call] of reply.tool_calls.entries()) {
        onDelta({ type: "tool_call", index, id: call.id, name: call.function.name });
        onDelta({ type: "tool_arguments", index, text: call.function.arguments });
      }
      return { kind: "reply", reply };
    },
  };
}

function replay({ text, calls, usage }: RecordedReply): ModelReply {
  const tool_calls = calls.map((call, index): ToolCall => {
    const written = typeof call.arguments === "string" ? call.arguments : JSON.stringify(call.arguments);
    return { id: `call_${index}`, type: "function", function: { name: call.name, arguments: written } };
  });
  return { text, reasoning: "", tool_calls, finish: tool_calls.length > 0 ? "tool_calls" : "stop", usage };
}
