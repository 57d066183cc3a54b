// A model that does what the newest message says, in as many pieces as the test lets through.
import type { Model, ModelReply, ModelRequest } from "../../src/agent/model.ts";

interface Turn {
  text: string[];
  call?: { id: string; name: string; input: unknown };
}

/** `wait` lets the next piece through, or rejects. */
export function createPacedModel(wait: (signal: AbortSignal) => Promise<void>): Model {
  return {
    stream: async (request, onDelta, signal) => {
      const { text, call } = turnFor(request);
      const reply: ModelReply = { text: "", reasoning: "", tool_calls: [], finish: "stop", usage: null };
      try {
        for (const piece of text) {
          await wait(signal);
          onDelta({ type: "text", text: piece });
          reply.text += piece;
        }
        if (call !== undefined) {
          const { id, name, input } = call;
          await wait(signal);
          onDelta({ type: "tool_call", index: 0, id, name });
          const written = JSON.stringify(input);
          onDelta({ type: "tool_arguments", index: 0, text: written });
          await wait(signal);
          reply.tool_calls.push({ id, type: "function", function: { name, arguments: written } });
          reply.finish = "tool_calls";
        }
        return { kind: "reply", reply };
      } catch {
        return { kind: "aborted", reply };
      }
    },
  };
}

function turnFor({ messages }: ModelRequest): Turn {
  const newest = messages.findLast(({ role, content }) => role === "tool" || (role === "user" && isAsk(content)));
  if (newest === undefined || newest.role === "tool") return { text: ["that ", "is it"] };
  const [kind = "", id = "", body = ""] = String(newest.content).split(" ");
  const name = `${id}_${body}`;
  if (kind === "tool") return { text: ["I work"], call: { id: `call_${name}`, name: "work", input: {} } };
  if (kind === "ask")
    return { text: [], call: { id: `call_${name}`, name: "ask", input: { question: `of ${name}?` } } };
  if (kind === "plan") {
    const input = { section_title: "S", task_contents: [`task of ${name}`] };
    return { text: [], call: { id: `call_${name}`, name: "create_tasks", input } };
  }
  return { text: ["answer ", "to ", name] };
}

function isAsk(content: unknown): boolean {
  return typeof content === "string" && /^(text|tool|ask|plan) inv_/.test(content);
}
