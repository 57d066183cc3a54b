// What every server with chat completions refuses, and rules that several providers share.
import type { Refusal, Rule, WireMessage, WireRequest } from "./wire.ts";

export function badRequest(message: string, more: Record<string, unknown> = {}, status = 400): Refusal {
  return { status, body: { error: { message, type: "invalid_request_error", param: null, code: null, ...more } } };
}

const reference = "https://platform.openai.com/docs/api-reference/chat/create";

/** OpenAI's own rules of order: every call has its result right behind it, every result its call. */
export const openAiRules: Rule[] = [
  {
    name: "refuses a call without its result, or a result without its call",
    source: reference,
    check({ messages }) {
      for (const [at, message] of messages.entries()) {
        const ids = (message.tool_calls ?? []).map(({ id }) => id);
        const results = takeResults(messages, at + 1);
        const missing = ids.find((id) => !results.includes(id));
        if (missing !== undefined) {
          return badRequest(
            `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${missing}`,
          );
        }
        if (message.role === "tool" && !isAnswer(messages, at)) {
          return badRequest(
            "Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'.",
          );
        }
      }
      return null;
    },
  },
  {
    name: "refuses two calls of one id in a request",
    source: reference,
    check({ messages }) {
      const ids = messages.flatMap(({ tool_calls }) => (tool_calls ?? []).map(({ id }) => id));
      return new Set(ids).size === ids.length ? null : badRequest("tool_call_ids must be unique");
    },
  },
  {
    name: "refuses arguments that are not a JSON object",
    source: "https://platform.openai.com/docs/guides/function-calling",
    check({ messages }) {
      for (const { tool_calls } of messages) {
        for (const call of tool_calls ?? []) {
          if (!isJsonObject(call.function.arguments)) return badRequest("Invalid arguments");
        }
      }
      return null;
    },
  },
];

export function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null;
  } catch {
    return false;
  }
}

/** The ids of the results from this place on, up to the first other message. */
export function takeResults(messages: WireMessage[], from: number): string[] {
  const ids: string[] = [];
  for (const message of messages.slice(from)) {
    if (message.role !== "tool") break;
    ids.push(message.tool_call_id ?? "");
  }
  return ids;
}

/** Whether the result at this place answers a call of the message before the results. */
export function isAnswer(messages: WireMessage[], at: number): boolean {
  const asked = messages.slice(0, at).findLast(({ role }) => role !== "tool");
  return asked?.tool_calls?.some(({ id }) => id === messages[at]?.tool_call_id) ?? false;
}

/** A rule about each message; the first that breaks it decides the refusal. */
export function messageRule(
  name: string,
  source: string,
  check: (message: WireMessage, at: number, messages: WireMessage[], request: WireRequest) => Refusal | null,
): Rule {
  return {
    name,
    source,
    check(request) {
      for (const [at, message] of request.messages.entries()) {
        const refusal = check(message, at, request.messages, request);
        if (refusal !== null) return refusal;
      }
      return null;
    },
  };
}

/** Whether a message of the request is of this turn: after the last message of the user. */
export function isOfThisTurn(messages: WireMessage[], at: number): boolean {
  return at > messages.findLastIndex(({ role }) => role === "user");
}

/** The parts of a message; a text or nothing has none. */
export function partsOf({ content }: WireMessage): Record<string, unknown>[] {
  return Array.isArray(content) ? (content as Record<string, unknown>[]) : [];
}

/** A rule that refuses fields at the top of a request, with the provider's answer to the first of them. */
export function fieldRule(
  name: string,
  source: string,
  fields: string[],
  refuse: (field: string, value: unknown) => Refusal,
): Rule {
  return {
    name,
    source,
    check({ body }) {
      const field = fields.find((field) => body[field] !== undefined);
      return field === undefined ? null : refuse(field, body[field]);
    },
  };
}

/** Refuses a request without `Authorization: Bearer …`. */
export function keyRule(source: string, refusal: Refusal): Rule {
  return {
    name: "refuses a request without a key",
    source,
    check: ({ headers }) => (/^Bearer \S/.test(headers.get("authorization") ?? "") ? null : refusal),
  };
}

/** Claude refuses such ids wherever it runs, in the words of whoever is in front of it. */
export function claudeIdRule(refuse: (message: string) => Refusal): Rule {
  return messageRule(
    "refuses an id with characters that Claude does not allow",
    "https://github.com/maximhq/bifrost/issues/5097",
    ({ tool_calls }, at) =>
      tool_calls?.some(({ id }) => !/^[a-zA-Z0-9_-]+$/.test(id))
        ? refuse(`messages.${at}.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'`)
        : null,
  );
}

/** Refuses parts of a message other than text, images and sound. */
export function partRule(source: string, refusal: Refusal): Rule {
  return messageRule("refuses a part of an unknown type", source, (message) =>
    partsOf(message).every(({ type }) => ["text", "image_url", "input_audio"].includes(String(type))) ? null : refusal,
  );
}

export function hasImage(message: WireMessage): boolean {
  return partsOf(message).some(({ type }) => type === "image_url" || type === "input_image");
}

/** How the request makes the model call a tool: any, or one that it names. Null if it leaves that to the model. */
export function forcedChoice({ body }: WireRequest): "required" | "specified" | null {
  if (body.tool_choice === "required") return "required";
  return typeof body.tool_choice === "object" && body.tool_choice !== null ? "specified" : null;
}

/** Whether a model that thinks unless `thinking` says otherwise will think. */
export function isThinking({ body }: WireRequest): boolean {
  return (body.thinking as { type?: string } | undefined)?.type !== "disabled";
}
