// For each strict server of this half of the laboratory: how a reply is written back to it, and for each of its rules a
// request that breaks just that one.
import {
  add,
  type Break,
  breakJson,
  dropKey,
  edit,
  force,
  image,
  inContent,
  lean,
  plain,
  renameTool,
  set,
  thinking,
} from "./breaks.ts";
import type { Writer } from "./naive-client.ts";
import { azure, azureClassic } from "./providers/azure.ts";
import { deepseek } from "./providers/deepseek.ts";
import { glm } from "./providers/glm.ts";
import { kimi } from "./providers/kimi.ts";
import { minimax } from "./providers/minimax.ts";
import { openai } from "./providers/openai.ts";
import { qwen } from "./providers/qwen.ts";
import type { Provider } from "./wire.ts";

const parameterBreaks: Record<string, Break> = {
  "refuses a field that it does not know": set({ enable_thinking: true }),
  "refuses an effort that the model does not have": set({ reasoning_effort: "minimal" }),
  "refuses max_tokens where a model reasons": set({ max_tokens: 100 }),
  "refuses an id of a call of more than 40 characters": ({ body: { messages } }) => {
    const id = `call_${"x".repeat(40)}`;
    for (const message of messages) {
      if (message.tool_call_id) message.tool_call_id = id;
      for (const call of message.tool_calls ?? []) call.id = id;
    }
  },
  "refuses a name of a tool of more than 64 characters": renameTool("x".repeat(65)),
  "refuses null as the content of a message without calls": edit("tool", (message) => {
    message.content = null;
  }),
};

/** How a rule is broken that depends on the name of the model, by a field of the address or of the body. */
const modelBreaks = (name: (model: string) => Break): Record<string, Break> => ({
  "refuses an effort of a model that does not reason": (asked) => {
    name("gpt-4.1")(asked);
    set({ reasoning_effort: "low" })(asked);
  },
  "refuses a temperature where a model reasons": (asked) => {
    name("gpt-5.1")(asked);
    set({ reasoning_effort: "low", temperature: 0.2 })(asked);
  },
});

const inBody = (model: string) => set({ model });
const inPath =
  (model: string): Break =>
  (asked) => {
    asked.url = asked.url.replace(/deployments\/[^/]+/, `deployments/${model}`);
  };

export interface Case {
  provider: Provider;
  first?: Record<string, unknown>;
  write: Writer;
  breaks: Record<string, Break>;
  /** Rules of models that this server does not have. */
  except?: string[];
}

const newer = ["refuses tools while a newer model reasons", "refuses a model that only the Responses API serves"];

export const cases: Record<string, Case> = {
  OpenAI: {
    provider: openai,
    first: { reasoning_effort: "none" },
    write: plain,
    breaks: {
      "refuses a request without a key": dropKey,
      "refuses a model that only the Responses API serves": inBody("gpt-5.3-codex"),
      "refuses tools while a newer model reasons": set({ reasoning_effort: undefined }),
      ...parameterBreaks,
      ...modelBreaks(inBody),
    },
  },
  "classic Azure": {
    provider: azureClassic,
    write: plain,
    except: newer,
    breaks: {
      "refuses an address that is not a deployment's": (asked) => {
        asked.url = asked.url.replace("/chat/completions", "");
      },
      "refuses an address without the version of the API": (asked) => {
        asked.url = asked.url.replace(/\?.*/, "");
      },
      "refuses a request without the header api-key": ({ headers }) => delete headers["api-key"],
      "refuses a deployment that does not exist": inPath("gpt-9"),
      ...parameterBreaks,
      ...modelBreaks(inPath),
    },
  },
  Azure: {
    provider: azure,
    write: plain,
    except: newer,
    breaks: {
      "refuses an address that is not of the v1 API": (asked) => {
        asked.url = asked.url.replace("/openai/v1", "/v1");
      },
      "refuses a request without a key": dropKey,
      "refuses a model that is not the name of a deployment": inBody("gpt-9"),
      ...parameterBreaks,
      ...modelBreaks(inBody),
    },
  },
  DeepSeek: {
    provider: deepseek,
    write: thinking,
    breaks: {
      "refuses a request without a key": dropKey,
      "refuses a reply without the reasoning that led to it, where there are tools": ({ body: { messages } }) => {
        const answer = messages.findLast(({ role, tool_calls }) => role === "assistant" && !tool_calls);
        delete answer?.reasoning_content;
      },
      "refuses null as the content beside reasoning": edit("assistant", (message) => {
        message.content = null;
      }),
      "refuses to be made to call a tool while it thinks": force,
      "refuses a longer output than the model has": set({ max_tokens: 400_000 }),
      "refuses an image unless the model is a flash": image,
    },
  },
  Kimi: {
    provider: kimi,
    write: lean,
    breaks: {
      "refuses a request without a key": dropKey,
      "refuses a call without the reasoning that led to it": edit("assistant", (message) => {
        delete message.reasoning_content;
      }),
      "refuses an assistant message that says nothing": add({ role: "assistant", content: "" }),
      "refuses an empty part of text": add({ role: "user", content: [{ type: "text", text: "" }] }),
      "refuses a temperature other than 1": set({ temperature: 0.3 }),
      "refuses to be made to call a tool while it thinks": force,
      "refuses to stop thinking where a model always thinks": set({
        model: "kimi-k2.7-code",
        thinking: { type: "disabled" },
      }),
      "refuses a tool with a parameter without a type": set({
        tools: [{ type: "function", function: { name: "x", parameters: { type: "object", properties: { a: {} } } } }],
      }),
    },
  },
  Qwen: {
    provider: qwen,
    first: { enable_thinking: true },
    write: thinking,
    breaks: {
      "refuses a request without a key": dropKey,
      "refuses a message without content": edit("assistant", (message) => {
        message.content = null;
      }),
      "refuses arguments that are not JSON": breakJson,
      "refuses to be made to call a tool while it thinks": force,
      "refuses to think without a stream": set({ stream: false }),
    },
  },
  GLM: {
    provider: glm,
    write: thinking,
    breaks: {
      "refuses a request without a key": dropKey,
      "refuses a conversation without a user": ({ body }) => {
        body.messages = [{ role: "system", content: "You read files." }];
      },
      "refuses an image unless the model sees": image,
    },
  },
  MiniMax: {
    provider: minimax,
    write: inContent,
    breaks: {
      "refuses a request without a key": dropKey,
      "refuses a system message behind others": add({ role: "system", content: "Be short." }),
      "refuses a second system message": ({ body: { messages } }) =>
        messages.unshift({ role: "system", content: "Be short." }),
      "refuses a call without its result right behind it": ({ body }) => {
        body.messages = body.messages.filter(({ role }) => role !== "tool");
      },
      "refuses a result without its call": add({ role: "tool", tool_call_id: "call_function_x", content: "one line" }),
      "refuses arguments that are not JSON": breakJson,
      "refuses a temperature that is not above 0 and at most 1": set({ temperature: 0 }),
      "refuses a thinking that M3 does not have": set({ model: "MiniMax-M3", thinking: { type: "enabled" } }),
    },
  },
};
