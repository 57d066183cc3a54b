// Validates requests: the part of OpenAI's chat completions request that a script can act on. It is as strict as OpenAI
// about the order of messages, so that a client with an error in it finds out here.

export interface ToolCall {
  id: string;
  name: string;
  arguments: string;
}

export interface Message {
  role: "system" | "user" | "assistant" | "tool";
  text: string;
  calls: ToolCall[];
  tool_call_id: string;
}

export interface ChatRequest {
  messages: Message[];
  /** Names of the tools that may be called. */
  tools: Set<string>;
  /** Tools were described in the prompt, so calls are written into the text. */
  writes_xml: boolean;
  stream: boolean;
  include_usage: boolean;
  max_tokens: number;
}

export class RequestError extends Error {
  readonly param: string | null;

  constructor(message: string, param: string | null) {
    super(message);
    this.param = param;
  }
}

const roles = new Map<unknown, Message["role"]>([
  ["system", "system"],
  ["developer", "system"],
  ["user", "user"],
  ["assistant", "assistant"],
  ["tool", "tool"],
]);

export function readRequest(body: unknown): ChatRequest {
  if (!isRecord(body)) throw new RequestError("The body must be a JSON object.", null);
  if (typeof body.model !== "string" || body.model === "") {
    throw new RequestError("You must provide a model parameter.", "model");
  }
  if (!Array.isArray(body.messages) || body.messages.length === 0) {
    throw new RequestError("'messages' must be an array with at least one message.", "messages");
  }
  const messages = body.messages.map(readMessage);
  checkOrder(messages);
  const options = isRecord(body.stream_options) ? body.stream_options : {};
  const max = body.max_completion_tokens ?? body.max_tokens ?? null;
  if (max !== null && (typeof max !== "number" || !Number.isInteger(max) || max < 1)) {
    throw new RequestError("The token limit must be a whole number of at least 1.", "max_completion_tokens");
  }
  return {
    messages,
    tools: body.tool_choice === "none" ? new Set() : readTools(body.tools),
    writes_xml: false,
    stream: body.stream === true,
    include_usage: options.include_usage === true,
    max_tokens: max ?? Number.POSITIVE_INFINITY,
  };
}

function readMessage(value: unknown, index: number): Message {
  const param = `messages[${index}]`;
  if (!isRecord(value)) throw new RequestError("Each message must be an object.", param);
  const role = roles.get(value.role);
  if (!role) throw new RequestError(`Invalid role: ${JSON.stringify(value.role)}.`, `${param}.role`);
  const calls = role === "assistant" ? readCalls(value.tool_calls, param) : [];
  const isEmpty = value.content === null || value.content === undefined;
  if (isEmpty && calls.length === 0) throw new RequestError("'content' is missing.", `${param}.content`);
  if (role === "tool" && typeof value.tool_call_id !== "string") {
    throw new RequestError("A tool message needs a 'tool_call_id'.", `${param}.tool_call_id`);
  }
  const id = typeof value.tool_call_id === "string" ? value.tool_call_id : "";
  return { role, text: isEmpty ? "" : readText(value.content, param), calls, tool_call_id: id };
}

function readText(content: unknown, param: string): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) throw new RequestError("'content' must be a string or an array.", `${param}.content`);
  return content
    .map((part: unknown) => (isRecord(part) && typeof part.text === "string" ? part.text : ""))
    .filter((text) => text !== "")
    .join("\n");
}

function readCalls(value: unknown, param: string): ToolCall[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new RequestError("'tool_calls' must be an array.", `${param}.tool_calls`);
  return value.map((call: unknown) => {
    const called = isRecord(call) && isRecord(call.function) ? call.function : {};
    if (!isRecord(call) || typeof call.id !== "string" || typeof called.name !== "string") {
      throw new RequestError("A tool call needs 'id' and 'function.name'.", `${param}.tool_calls`);
    }
    if (typeof called.arguments !== "string") {
      throw new RequestError("'function.arguments' must be a string.", `${param}.tool_calls`);
    }
    return { id: call.id, name: called.name, arguments: called.arguments };
  });
}

function readTools(value: unknown): Set<string> {
  if (value === undefined || value === null) return new Set();
  if (!Array.isArray(value)) throw new RequestError("'tools' must be an array.", "tools");
  return new Set(
    value.map((tool: unknown, index) => {
      const described = isRecord(tool) && isRecord(tool.function) ? tool.function : {};
      if (typeof described.name === "string" && /^[a-zA-Z0-9_-]{1,64}$/.test(described.name)) return described.name;
      throw new RequestError("A tool needs a 'function.name' of letters, digits, _ and -.", `tools[${index}]`);
    }),
  );
}

/** Every call must have a result directly after its message, and nothing else may have one. */
function checkOrder(messages: Message[]): void {
  let awaited = new Set<string>();
  for (const [index, message] of messages.entries()) {
    if (message.role === "tool") {
      if (awaited.delete(message.tool_call_id)) continue;
      throw new RequestError(
        "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'.",
        `messages[${index}].role`,
      );
    }
    if (awaited.size > 0) refuseUnanswered(awaited, index);
    awaited = new Set(message.calls.map((call) => call.id));
  }
  if (awaited.size > 0) refuseUnanswered(awaited, messages.length);
}

function refuseUnanswered(awaited: Set<string>, index: number): never {
  const ids = [...awaited].join(", ");
  throw new RequestError(
    `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. These were not answered: ${ids}`,
    `messages[${index}].role`,
  );
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
