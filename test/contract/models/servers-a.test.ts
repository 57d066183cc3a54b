// The strict servers of OpenAI, Azure, DeepSeek, Kimi, Qwen, GLM and MiniMax: each accepts a well-formed conversation,
// and refuses a request that breaks just one of its rules with that rule.
import { describe, expect, it } from "vitest";
import { type Break, breakJson, edit, image, inContent, lean, plain, set, thinking } from "./breaks.ts";
import { cases } from "./cases-a.ts";
import { askFirst, checkEnding, converse, openServer, readChunks, send, type Writer } from "./naive-client.ts";
import { azure } from "./providers/azure.ts";
import { deepseek, deepseekFlash } from "./providers/deepseek.ts";
import { glm } from "./providers/glm.ts";
import { kimi, kimiK3 } from "./providers/kimi.ts";
import { minimax } from "./providers/minimax.ts";
import { openai, openaiOlder } from "./providers/openai.ts";
import { qwen } from "./providers/qwen.ts";
import { openAiRules } from "./rules.ts";
import { answerWith, openStrictServer } from "./server.ts";
import type { PlannedReply, Provider } from "./wire.ts";

describe.each(Object.entries(cases))("%s", (_name, { provider, first, write, breaks, except = [] }) => {
  it("accepts a well-formed conversation", async () => {
    const server = openServer(provider);
    const asked = await converse(server, askFirst(provider, first), write);
    expect((await send(server, asked)).status).toBe(200);
    expect(server.refused.map(({ rule }) => rule)).toEqual([]);
    expect(server.missed.map(({ rule }) => rule)).toEqual([]);
    expect(server.accepted).toHaveLength(4);
  });

  it("has a request for each of its rules that breaks it", () => {
    const names = provider.rules.map(({ name }) => name).filter((name) => !except.includes(name));
    expect(Object.keys(breaks).toSorted()).toEqual(names.toSorted());
  });

  it.each(Object.entries(breaks))("%s", async (name, breakRule) => {
    const server = openServer(provider);
    const asked = await converse(server, askFirst(provider, first), write);
    breakRule(asked);
    const response = await send(server, asked);
    expect(server.refused.map(({ rule }) => rule)).toEqual([name]);
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(JSON.stringify(await response.json())).toContain("message");
  });

  it("has endings of a common form", () => {
    const { endings = [] } = provider;
    expect(endings.map(checkEnding).filter((fault) => fault !== null)).toEqual([]);
    expect(new Set(endings.map(({ name }) => name)).size).toBe(endings.length);
    const means = endings.map((ending) => ending.means);
    expect(means).toEqual(expect.arrayContaining(["rate_limited", "filtered", "invalid_key"]));
  });
});

describe("every server", () => {
  const breaks: Record<string, Break> = {
    "refuses a call without its result, or a result without its call": ({ body }) => {
      body.messages = body.messages.filter(({ role }) => role !== "tool");
    },
    "refuses two calls of one id in a request": ({ body: { messages } }) => {
      const at = messages.findIndex(({ role }) => role === "tool");
      messages.push(...structuredClone(messages.slice(at - 1, at + 1)));
    },
    "refuses arguments that are not a JSON object": breakJson,
  };

  it("has a request for each common rule that breaks it", () => {
    expect(Object.keys(breaks)).toEqual(openAiRules.map(({ name }) => name));
  });

  it.each(Object.entries(breaks))("%s", async (name, breakRule) => {
    const server = openServer(glm);
    const asked = await converse(server, askFirst(glm), thinking);
    breakRule(asked);
    await send(server, asked);
    expect(server.refused.map(({ rule }) => rule)).toEqual([name]);
  });

  it("answers with the refusal or the reply of an ending", async () => {
    const [too_long] = minimax.endings ?? [];
    const broken = glm.endings?.find(({ means }) => means === "broken");
    if (!too_long || !broken) throw new Error("no endings");
    const refusal = answerWith(too_long, minimax);
    expect([refusal.status, await refusal.json()]).toEqual([400, too_long.refusal?.body]);
    expect(await readChunks(answerWith(broken, glm))).toEqual(broken.chunks);
  });
});

/** Sends the request behind a conversation, changed; answers with the rules that it broke and the wishes it missed. */
async function tryRequest(provider: Provider, write: Writer, change: Break, first?: Record<string, unknown>) {
  const server = openServer(provider);
  const asked = await converse(server, askFirst(provider, first), write);
  change(asked);
  await send(server, asked);
  return { refused: server.refused.map(({ rule }) => rule), missed: server.missed.map(({ rule }) => rule) };
}

describe("models of one provider differ", () => {
  it("a flash of DeepSeek sees images", async () => {
    expect((await tryRequest(deepseekFlash, thinking, image)).refused).toEqual([]);
  });

  it("DeepSeek wants no thoughts back without tools", async () => {
    const dropTools: Break = ({ body }) => {
      delete body.tools;
      for (const message of body.messages) delete message.reasoning_content;
    };
    expect((await tryRequest(deepseek, thinking, dropTools)).refused).toEqual([]);
  });

  it("Kimi K3 refuses an empty text beside calls, K2 accepts it", async () => {
    const rule = "refuses an assistant message that says nothing";
    const empty = edit("assistant", (message) => {
      message.content = "";
    });
    expect((await tryRequest(kimiK3, lean, empty)).refused).toEqual([rule]);
    expect((await tryRequest(kimi, lean, empty)).refused).toEqual([]);
  });

  it("an empty reasoning is accepted where there was none", async () => {
    const empty = edit("assistant", (message) => {
      message.reasoning_content = "";
    });
    expect((await tryRequest(kimi, lean, empty)).refused).toEqual([]);
    expect((await tryRequest(deepseek, thinking, empty)).refused).toEqual([]);
  });

  it("an older model of OpenAI takes tools, max_tokens and a temperature", async () => {
    const change = set({ max_tokens: 100, temperature: 0.2 });
    expect((await tryRequest(openaiOlder, plain, change)).refused).toEqual([]);
  });

  it("GPT-5.4 takes tools without an effort, GPT-6.1 with none at all", async () => {
    const rule = "refuses tools while a newer model reasons";
    expect((await tryRequest({ ...openai, model: "gpt-5.4" }, plain, set({}))).refused).toEqual([]);
    const newest = openServer({ ...openai, model: "gpt-6.1-sol" });
    for (const effort of [undefined, "low", "max"]) {
      await send(newest, askFirst({ ...openai, model: "gpt-6.1-sol" }, { reasoning_effort: effort }));
    }
    expect(newest.refused.map((one) => one.rule)).toEqual([rule, rule, rule]);
  });
});

describe("wishes are noted, not refused", () => {
  it("of MiniMax, whose thoughts were taken out of the content", async () => {
    const strip: Break = ({ body: { messages } }) => {
      for (const message of messages) {
        if (message.role === "assistant")
          message.content = String(message.content).replace(/<think>[\s\S]*<\/think>\s*/, "");
      }
    };
    const { refused, missed } = await tryRequest(minimax, inContent, strip);
    expect([refused, missed]).toEqual([[], ["asks for its thoughts back, unchanged"]]);
  });

  it("of GLM, whose older thoughts were changed although they are kept", async () => {
    const change: Break = (asked) => {
      set({ clear_thinking: false })(asked);
      edit("assistant", (message) => {
        message.reasoning_content = "Read it.";
      })(asked);
    };
    const { refused, missed } = await tryRequest(glm, thinking, change);
    expect([refused, missed]).toEqual([[], ["asks for the thoughts before the calls of this turn, unchanged"]]);
  });

  it("of Qwen, whose thoughts are asked for and not sent", async () => {
    const drop = edit("assistant", (message) => {
      delete message.reasoning_content;
    });
    const { missed } = await tryRequest(qwen, thinking, drop, { enable_thinking: true, preserve_thinking: true });
    expect(missed).toEqual(["asks to keep the thoughts of older turns where they come back"]);
  });
});

/** The chunks of one reply. */
async function streamOf(provider: Provider, planned: PlannedReply, more: Record<string, unknown> = {}) {
  const server = openStrictServer(provider, () => planned);
  const asked = askFirst(provider, { reasoning_effort: provider.profile === "openai" ? "none" : undefined, ...more });
  return readChunks(await send(server, asked));
}

const call: PlannedReply = {
  calls: [{ name: "read_file", arguments: { path: "notes.md" } }],
  usage: { input: 40, output: 9, cached: 30 },
};

describe("streams have the form of their provider", () => {
  it("OpenAI counts only where it is asked to", async () => {
    const stream_options = { include_usage: true };
    expect((await streamOf(openai, call)).some(({ usage }) => usage)).toBe(false);
    expect((await streamOf(openai, call, { stream_options })).at(-1)?.usage).toMatchObject({ prompt_tokens: 40 });
  });

  it("Azure begins with a chunk without a choice", async () => {
    expect((await streamOf(azure, call))[0]).toMatchObject({
      choices: [],
      prompt_filter_results: [{ prompt_index: 0 }],
    });
  });

  it("Kimi counts in the choice of the last chunk", async () => {
    const usage = { prompt_tokens: 40, cached_tokens: 30 };
    expect((await streamOf(kimi, call)).at(-1)).toMatchObject({ choices: [{ finish_reason: "tool_calls", usage }] });
  });

  it("Qwen has an empty id in later pieces of a call", async () => {
    expect(JSON.stringify((await streamOf(qwen, call)).slice(2, 3))).toContain('"id":"","type":"function"');
  });

  it("Qwen counts what a mark makes its cache keep", async () => {
    const server = openStrictServer(qwen, () => call);
    const asked = askFirst(qwen, { stream_options: { include_usage: true } });
    const part = { type: "text", text: "You read files.", cache_control: { type: "ephemeral" } };
    asked.body.messages[0] = { role: "system", content: [part] };
    const usage = { prompt_tokens_details: { cached_tokens: 30, cache_creation_input_tokens: 10 } };
    expect((await readChunks(await send(server, asked))).at(-1)).toMatchObject({ usage });
  });

  it("GLM sends arguments in one piece unless tool_stream asks otherwise", async () => {
    const countPieces = async (more = {}) =>
      (await streamOf(glm, call, more)).filter((chunk) => JSON.stringify(chunk).includes('tool_calls":')).length;
    expect(await countPieces()).toBe(1);
    expect(await countPieces({ tool_stream: true })).toBeGreaterThan(1);
  });

  it("MiniMax has its thoughts in the content, or in details where a request splits them", async () => {
    const planned = { reasoning: "Look.", text: "Done." };
    const whole = { message: { content: "<think>\nLook.\n</think>\n\nDone." } };
    expect((await streamOf(minimax, planned)).at(-1)).toMatchObject({ object: "chat.completion", choices: [whole] });
    const split = { message: { content: "Done.", reasoning_details: [{ text: "Look." }] } };
    expect((await streamOf(minimax, planned, { reasoning_split: true })).at(-1)).toMatchObject({ choices: [split] });
  });
});
