// The message that the AI SDK's client builds from a response's chunks, down to the order of its keys: text and tool
// calls of the bench's model only.

export type Chunk =
  | { type: "start" | "finish" | "message-metadata"; messageId?: string; messageMetadata?: object }
  | { type: "start-step" | "finish-step" }
  | { type: "text-start" | "text-end"; id: string }
  | { type: "text-delta"; id: string; delta: string }
  | { type: "tool-input-start" | "tool-input-delta"; toolCallId: string; toolName: string }
  | { type: "tool-input-available"; toolCallId: string; toolName: string; input: unknown }
  | { type: "tool-output-available"; toolCallId: string; output: unknown };

interface TextPart {
  type: "text";
  text: string;
  state: "streaming" | "done";
}

interface ToolPart {
  type: `tool-${string}`;
  toolCallId: string;
  state: "input-streaming" | "input-available" | "output-available";
  input: unknown;
  output: unknown;
}

interface Value {
  id: string;
  metadata: object | undefined;
  role: "assistant";
  parts: (TextPart | ToolPart | { type: "step-start" })[];
}

export interface ResponseMessage {
  readonly value: Value;
  add(chunk: Chunk): void;
}

export function createResponseMessage(id: string): ResponseMessage {
  const value: Value = { id, metadata: undefined, role: "assistant", parts: [] };
  const texts = new Map<string, TextPart>();
  const calls = new Map<string, ToolPart>();

  const openCall = (toolCallId: string, toolName: string): ToolPart => {
    const known = calls.get(toolCallId);
    if (known !== undefined) return known;
    const type = `tool-${toolName}` as const;
    const part: ToolPart = { type, toolCallId, state: "input-streaming", input: undefined, output: undefined };
    calls.set(toolCallId, part);
    value.parts.push(part);
    return part;
  };

  const add = (chunk: Chunk): void => {
    switch (chunk.type) {
      case "text-delta": {
        const part = texts.get(chunk.id);
        if (part !== undefined) part.text += chunk.delta;
        break;
      }
      case "text-start": {
        const part: TextPart = { type: "text", text: "", state: "streaming" };
        texts.set(chunk.id, part);
        value.parts.push(part);
        break;
      }
      case "text-end": {
        const part = texts.get(chunk.id);
        if (part !== undefined) part.state = "done";
        break;
      }
      case "tool-input-start":
        openCall(chunk.toolCallId, chunk.toolName);
        break;
      case "tool-input-available":
        Object.assign(openCall(chunk.toolCallId, chunk.toolName), { state: "input-available", input: chunk.input });
        break;
      case "tool-output-available":
        Object.assign(calls.get(chunk.toolCallId) ?? {}, { state: "output-available", output: chunk.output });
        break;
      case "start-step":
        value.parts.push({ type: "step-start" });
        break;
      case "start":
      case "finish":
      case "message-metadata":
        value.id = chunk.messageId ?? value.id;
        if (chunk.messageMetadata !== undefined) value.metadata = { ...value.metadata, ...chunk.messageMetadata };
        break;
    }
  };

  return { value, add };
}
