// For each strict server of the test beside it: a client that keeps the rules, and for each rule a change to its second
// request that breaks just that rule.
import type { Collected, Draft } from "./collect.ts";
import { aiGateway } from "./providers/ai-gateway.ts";
import { anthropic } from "./providers/anthropic.ts";
import { cerebras } from "./providers/cerebras.ts";
import { gemini } from "./providers/gemini.ts";
import { groq } from "./providers/groq.ts";
import { litellm } from "./providers/litellm.ts";
import { llamaCpp, llamaCppQwen } from "./providers/llama-cpp.ts";
import { mistral } from "./providers/mistral.ts";
import { ollama } from "./providers/ollama.ts";
import { openrouter } from "./providers/openrouter.ts";
import { openrouterGemini } from "./providers/openrouter-gemini.ts";
import { vllm, vllmMistral } from "./providers/vllm.ts";
import { workersAi } from "./providers/workers-ai.ts";
import type { Provider, WireMessage } from "./wire.ts";

export interface Client {
  provider: Provider;
  headers?: Record<string, string>;
  /** Fields of its requests beside model, messages and tools. */
  fields?: Record<string, unknown>;
  /** What it sends back of a reply, beside text and calls. */
  returns?: (reply: Collected) => Record<string, unknown>;
  /** By the name of the rule. */
  breaks: Record<string, (request: Draft) => void>;
}

const usage = { stream_options: { include_usage: true } };
const image = { type: "image_url", image_url: { url: "https://example.com/a.png" } };

/** The second request is: system, user, assistant with two calls, two results. */
function assistantOf({ body }: Draft): WireMessage {
  return body.messages[2] as WireMessage;
}

/** Gives the first call and its result this id. */
function renameCall(request: Draft, id: string): void {
  const call = assistantOf(request).tool_calls?.[0];
  if (call) call.id = id;
  (request.body.messages[3] as WireMessage).tool_call_id = id;
}

/** Puts messages before the question, so that the step in progress stays as it is. */
function insert({ body }: Draft, ...messages: WireMessage[]): void {
  body.messages.splice(1, 0, ...messages);
}

/** Ends the turn first, where a rule is about the end of a conversation. */
function append({ body }: Draft, ...messages: WireMessage[]): void {
  body.messages.push(...messages);
}

function markParts(count: number, text: string): WireMessage {
  const part = { type: "text", text, cache_control: { type: "ephemeral" } };
  return { role: "user", content: Array.from({ length: count }, () => part) };
}

const renameBadly = (request: Draft) => renameCall(request, "functions.read_file:0");
const sayNothing = (request: Draft) =>
  insert(request, { role: "user", content: "Hi" }, { role: "assistant", content: "" });
const showImage = (request: Draft) =>
  insert(request, { role: "user", content: [image] }, { role: "assistant", content: "A cat." });
const lateSystem = (request: Draft) => append(request, { role: "system", content: "Be brief." });
const endWithAssistant = (request: Draft) => append(request, { role: "assistant", content: "Done." });

export const clients: Client[] = [
  {
    provider: openrouter,
    fields: usage,
    returns: ({ reasoning_details }) => (reasoning_details.length > 0 ? { reasoning_details } : {}),
    breaks: {
      "refuses reasoning details that are not those it sent, whole and in order": (request) => {
        const message = assistantOf(request);
        const [block] = message.reasoning_details as { text: string }[];
        message.reasoning_details = [{ ...block, text: `${block?.text} ` }];
      },
      "refuses the last call without the reasoning that led to it": (request) => {
        delete assistantOf(request).reasoning_details;
      },
      "refuses more than four cache marks": (request) => insert(request, markParts(5, "A document.")),
      "refuses a cache mark on an empty text": (request) => insert(request, markParts(1, "")),
      "refuses an id with characters that Claude does not allow": renameBadly,
    },
  },
  {
    provider: openrouterGemini,
    fields: usage,
    returns: ({ reasoning_details }) => (reasoning_details.length > 0 ? { reasoning_details } : {}),
    breaks: {
      "refuses a call of this turn without its reasoning details": (request) => {
        delete assistantOf(request).reasoning_details;
      },
    },
  },
  {
    provider: gemini,
    fields: { ...usage, reasoning_effort: "low" },
    breaks: {
      "refuses a step of this turn whose first call has no signature": (request) => {
        delete assistantOf(request).tool_calls?.[0]?.extra_content;
      },
      "refuses a signature that it did not make": (request) => {
        const call = assistantOf(request).tool_calls?.[0];
        if (call) call.extra_content = { google: { thought_signature: "bXNnX2FiYzEyMw==" } };
      },
      "refuses a field that it does not know": ({ body }) => {
        body.store = false;
      },
    },
  },
  {
    provider: anthropic,
    fields: { ...usage, seed: 7, temperature: 1.5 },
    breaks: {
      "refuses an id with characters that Claude does not allow": renameBadly,
      "refuses an empty text of the user": (request) => insert(request, { role: "user", content: "" }),
      "refuses an assistant's message that says and calls nothing, except at the end": sayNothing,
      "refuses a conversation of system messages only": ({ body }) => {
        body.messages = body.messages.slice(0, 1);
      },
      "refuses more than one choice": ({ body }) => {
        body.n = 2;
      },
    },
  },
  {
    provider: mistral,
    breaks: {
      "refuses an id that is not nine letters and digits": (request) => renameCall(request, "call_0000"),
      "refuses a user or system message right after a tool result": (request) =>
        append(request, { role: "user", content: "Go on." }),
      "refuses a conversation that ends with the assistant": endWithAssistant,
      "refuses an assistant's message that says and calls nothing": sayNothing,
      "refuses a field of a message that it does not know": (request) => {
        assistantOf(request).reasoning_content = "";
      },
      "refuses stream_options, as in March 2025": ({ body }) => Object.assign(body, usage),
      "refuses OpenAI's newer fields": ({ body }) => {
        body.max_completion_tokens = 32_000;
      },
    },
  },
  {
    provider: groq,
    fields: usage,
    returns: ({ reasoning }) => ({ reasoning }),
    breaks: {
      "refuses a field of a message that it does not know": (request) => {
        assistantOf(request).reasoning_content = "";
      },
      "refuses reasoning of a message for a model without it": ({ body }) => {
        body.model = "moonshotai/kimi-k2-instruct";
      },
      "refuses a field that it does not know": ({ body }) => {
        body.reasoning = { effort: "low" };
      },
    },
  },
  {
    provider: cerebras,
    fields: { max_completion_tokens: 16_384 },
    returns: ({ reasoning }) => ({ reasoning }),
    breaks: {
      "refuses reasoning_content": (request) => {
        assistantOf(request).reasoning_content = "I read.";
      },
      "refuses a field that it does not know": ({ body }) => {
        body.enable_thinking = true;
      },
    },
  },
  {
    provider: workersAi,
    fields: { ...usage, max_tokens: 4096 },
    breaks: {
      "refuses content that is not a text": (request) => {
        assistantOf(request).content = null;
      },
    },
  },
  {
    provider: aiGateway,
    headers: { "cf-aig-authorization": "Bearer gateway-key" },
    fields: usage,
    breaks: {
      "refuses a request without the gateway's own key": (request) => {
        request.headers = {};
      },
    },
  },
  {
    provider: litellm,
    fields: { ...usage, reasoning_effort: "high" },
    returns: ({ thinking_blocks }) => (thinking_blocks.length > 0 ? { thinking_blocks } : {}),
    breaks: {
      "refuses the last call without its thinking blocks where thinking is asked for": (request) => {
        delete assistantOf(request).thinking_blocks;
      },
      "refuses an id with characters that Claude does not allow": renameBadly,
      "refuses a cache mark inside a tool result": ({ body }) => {
        const marked = [{ type: "text", text: "1", cache_control: { type: "ephemeral" } }];
        (body.messages[3] as WireMessage).content = marked;
      },
      "refuses a parameter that the provider behind it lacks": ({ body }) => {
        body.seed = 7;
      },
    },
  },
  {
    provider: vllm,
    fields: usage,
    returns: ({ reasoning }) => ({ reasoning }),
    breaks: {
      "refuses an image to a model of text": showImage,
      "refuses a system message that is not the first": lateSystem,
    },
  },
  {
    provider: vllmMistral,
    fields: usage,
    breaks: {
      "refuses a user message right after a tool result": (request) =>
        append(request, { role: "user", content: "Go on." }),
    },
  },
  {
    provider: llamaCpp,
    fields: usage,
    returns: ({ reasoning }) => ({ reasoning_content: reasoning }),
    breaks: {
      "refuses a message without content and calls": (request) => {
        insert(request, { role: "user", content: "Hi" }, { role: "assistant" });
      },
      "refuses a part of an unknown type": (request) =>
        insert(request, { role: "user", content: [{ type: "file" }] }, { role: "assistant", content: "A file." }),
      "refuses an image to a model of text": showImage,
      "refuses two users or two answers in a row": (request) => insert(request, { role: "user", content: "Hi" }),
    },
  },
  {
    provider: llamaCppQwen,
    fields: usage,
    returns: ({ reasoning }) => ({ reasoning_content: reasoning }),
    breaks: {
      "refuses a message without content and calls": (request) => {
        insert(request, { role: "user" });
      },
      "refuses a part of an unknown type": (request) => insert(request, { role: "user", content: [{ type: "file" }] }),
      "refuses an image to a model of text": showImage,
      "refuses a system message that is not the first": lateSystem,
      "refuses a conversation that ends with the assistant": endWithAssistant,
    },
  },
  {
    provider: ollama,
    fields: usage,
    returns: ({ reasoning }) => ({ reasoning }),
    breaks: {
      "refuses a message without content that has no calls": (request) =>
        insert(request, { role: "assistant", content: null }),
      "refuses a part of an unknown type": (request) => insert(request, { role: "user", content: [{ type: "file" }] }),
      "refuses an image by its address": showImage,
      "refuses tools for a model whose template has none": ({ body }) => {
        body.model = "gemma3:4b";
      },
    },
  },
];
