// Changes that break one rule of a well-formed request, and ways to write a reply into the next request.
import type { Asked, Writer } from "./naive-client.ts";
import type { WireMessage } from "./wire.ts";

const withCalls = (message: WireMessage, calls: WireMessage["tool_calls"] = []) =>
  calls.length > 0 ? { ...message, tool_calls: calls } : message;

export const plain: Writer = ({ text, calls }) =>
  withCalls({ role: "assistant", content: text === "" ? null : text }, calls);
export const thinking: Writer = ({ text, reasoning, calls }) =>
  withCalls({ role: "assistant", content: text, reasoning_content: reasoning }, calls);
export const inContent: Writer = ({ text, calls }) => withCalls({ role: "assistant", content: text }, calls);
/** Without an empty content. */
export const lean: Writer = ({ text, reasoning, calls }) =>
  withCalls({ role: "assistant", ...(text !== "" && { content: text }), reasoning_content: reasoning }, calls);

/** Breaks one rule of a well-formed request. */
export type Break = (asked: Asked) => void;

export const set =
  (more: Record<string, unknown>): Break =>
  ({ body }) =>
    Object.assign(body, more);

export const edit =
  (role: string, change: (message: WireMessage) => void): Break =>
  ({ body: { messages } }) => {
    const message = messages.find((one) => one.role === role && (role !== "assistant" || one.tool_calls));
    if (message) change(message);
  };

export const add =
  (message: WireMessage): Break =>
  ({ body: { messages } }) =>
    messages.push(message);

export const editCall = (change: (call: { id: string; function: { name: string; arguments: string } }) => void) =>
  edit("assistant", ({ tool_calls }) => tool_calls?.forEach(change));

export const dropKey: Break = ({ headers }) => {
  delete headers.authorization;
  delete headers["api-key"];
};
export const image: Break = add({
  role: "user",
  content: [{ type: "image_url", image_url: { url: "data:image/png;base64,AA==" } }],
});
export const force = set({ tool_choice: "required" });
export const breakJson = editCall((call) => {
  call.function.arguments = "{";
});
export const renameTool =
  (name: string): Break =>
  ({ body }) => {
    body.tools = [{ type: "function", function: { name, parameters: { type: "object" } } }];
  };
