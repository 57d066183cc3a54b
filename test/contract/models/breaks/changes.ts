// Changes to a request that several breaks are made of. The request is the one that `converse` ends with: a turn with a
// call and an answer, a question, a step with two calls, and their results.
import type { Break, Draft } from "../client.ts";
import type { WireMessage } from "../wire.ts";

/** What most clients send beside model, messages and tools. */
export const usage = { stream_options: { include_usage: true } };

export function join(...changes: Break[]): Break {
  return (request) => {
    for (const change of changes) change(request);
  };
}

export function set(fields: Record<string, unknown>): Break {
  return ({ body }) => Object.assign(body, fields);
}

/** The model's message of the step in progress. */
export function stepOf({ body: { messages } }: Draft): WireMessage {
  const found = messages.findLast(({ tool_calls }) => tool_calls !== undefined);
  if (!found) throw new Error("the request has no step");
  return found;
}

/** The model's answer of the turn before. */
export function answerOf({ body: { messages } }: Draft): WireMessage {
  const found = messages.findLast(({ role, tool_calls }) => role === "assistant" && tool_calls === undefined);
  if (!found) throw new Error("the request has no answer");
  return found;
}

export function editStep(change: (step: WireMessage) => void): Break {
  return (request) => change(stepOf(request));
}

/** Behind the end of the request. */
export function append(...messages: WireMessage[]): Break {
  return ({ body }) => body.messages.push(...messages);
}

/** Before the first question, so that the step in progress stays as it is. */
export function insert(...messages: WireMessage[]): Break {
  return ({ body }) => body.messages.splice(1, 0, ...messages);
}

/** Gives the first call of the step and its result this id. */
export function renameCall(id: string): Break {
  return (request) => {
    const call = stepOf(request).tool_calls?.[0];
    const result = request.body.messages.find(({ tool_call_id }) => tool_call_id === call?.id);
    if (!call || !result) throw new Error("the step has no call with a result");
    result.tool_call_id = id;
    call.id = id;
  };
}

export function renameTool(name: string): Break {
  return set({ tools: [{ type: "function", function: { name, parameters: { type: "object" } } }] });
}

export const dropKey: Break = ({ headers }) => {
  delete headers.authorization;
  delete headers["api-key"];
};

export const dropResults: Break = ({ body }) => {
  body.messages = body.messages.filter(({ role }) => role !== "tool");
};

export const breakArguments = editStep(({ tool_calls }) => {
  for (const call of tool_calls ?? []) call.function.arguments = "{";
});

/** Makes the model call the tool, in the form that names it. */
export const forceCall = set({ tool_choice: { type: "function", function: { name: "read_file" } } });

const picture = { type: "image_url", image_url: { url: "https://example.com/a.png" } };

export const showImage = insert({ role: "user", content: [picture] }, { role: "assistant", content: "A cat." });
export const sendUnknownPart = insert(
  { role: "user", content: [{ type: "file" }] },
  { role: "assistant", content: "A file." },
);
export const sayNothing = insert({ role: "user", content: "Hi" }, { role: "assistant", content: "" });
export const sendLateSystem = append({ role: "system", content: "Be brief." });
export const askBehindResult = append({ role: "user", content: "Go on." });
export const endWithAssistant = append({ role: "assistant", content: "Done." });
export const useForeignId = renameCall("functions.read_file:0");

/** A message of parts that a cache shall keep up to here. */
export function markParts(count: number, text: string): WireMessage {
  const part = { type: "text", text, cache_control: { type: "ephemeral" } };
  return { role: "user", content: Array.from({ length: count }, () => part) };
}
