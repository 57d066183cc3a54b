// Each provider's stream has the provider's own form: what a real client must cope with is really sent.
import { describe, expect, it } from "vitest";
import { clientOf } from "./breaks/index.ts";
import { type Answer, ask, draft, opening, readChunks, step } from "./client.ts";
import { anthropic } from "./providers/anthropic.ts";
import { azure } from "./providers/azure.ts";
import { gemini } from "./providers/gemini.ts";
import { glm } from "./providers/glm.ts";
import { kimi } from "./providers/kimi.ts";
import { minimax } from "./providers/minimax.ts";
import { openai } from "./providers/openai.ts";
import { openrouter } from "./providers/openrouter.ts";
import { qwen } from "./providers/qwen.ts";
import { workersAi } from "./providers/workers-ai.ts";
import { answerWith, openStrictServer } from "./server.ts";
import type { PlannedReply, Provider } from "./wire.ts";

/** The first reply of a conversation; `fields` change its request. */
function askOnce(provider: Provider, planned: PlannedReply = step, fields = {}, messages = opening): Promise<Answer> {
  const request = draft(clientOf(provider), messages);
  Object.assign(request.body, fields);
  return ask(
    openStrictServer(provider, () => planned),
    request,
  );
}

const call: PlannedReply = {
  calls: [{ name: "read_file", arguments: { path: "notes.md" } }],
  usage: { input: 40, output: 9, cached: 30 },
};

describe("the stream of", () => {
  it("OpenAI counts tokens only where it is asked to", async () => {
    const { reply } = await askOnce(openai, call, { stream_options: undefined });
    expect(reply.usage).toBeNull();
    expect((await askOnce(openai, call)).chunks.at(-1)?.usage).toMatchObject({ prompt_tokens: 40 });
  });

  it("Azure begins with a chunk without a choice", async () => {
    const { chunks } = await askOnce(azure, call);
    expect(chunks[0]).toMatchObject({ choices: [], prompt_filter_results: [{ prompt_index: 0 }] });
  });

  it("Kimi counts tokens in the choice of the last chunk", async () => {
    const usage = { prompt_tokens: 40, cached_tokens: 30 };
    const { chunks } = await askOnce(kimi, call);
    expect(chunks.at(-1)).toMatchObject({ choices: [{ finish_reason: "tool_calls", usage }] });
  });

  it("Qwen has an empty id in later pieces of a call", async () => {
    const { chunks } = await askOnce(qwen, call);
    expect(JSON.stringify(chunks[2])).toContain('"id":"","type":"function"');
  });

  it("Qwen counts what a mark makes its cache keep", async () => {
    const part = { type: "text", text: "You read files.", cache_control: { type: "ephemeral" } };
    const { reply } = await askOnce(qwen, call, {}, [{ role: "system", content: [part] }]);
    expect(reply.usage).toMatchObject({
      prompt_tokens_details: { cached_tokens: 30, cache_creation_input_tokens: 10 },
    });
  });

  it("GLM has arguments in one piece unless tool_stream asks otherwise", async () => {
    const countPieces = async (fields = {}) => {
      const { chunks } = await askOnce(glm, call, fields);
      return chunks.filter((chunk) => JSON.stringify(chunk).includes('tool_calls":')).length;
    };
    expect(await countPieces()).toBe(1);
    expect(await countPieces({ tool_stream: true })).toBeGreaterThan(1);
  });

  it("MiniMax has its thoughts in the content, or in details where a request splits them", async () => {
    const planned = { reasoning: "Look.", text: "Done." };
    const whole = { message: { content: "<think>\nLook.\n</think>\n\nDone." } };
    const last = (await askOnce(minimax, planned)).chunks.at(-1);
    expect(last).toMatchObject({ object: "chat.completion", choices: [whole] });
    const split = { message: { content: "Done.", reasoning_details: [{ text: "Look." }] } };
    const { chunks } = await askOnce(minimax, planned, { reasoning_split: true });
    expect(chunks.at(-1)).toMatchObject({ choices: [split] });
  });

  it("Gemini signs the first of parallel calls only, sends no index and ends with stop", async () => {
    const { body, reply } = await askOnce(gemini);
    expect(reply.calls.map(({ extra_content }) => extra_content !== undefined)).toEqual([true, false]);
    expect(body).not.toMatch(/"tool_calls":\[\{"index"/);
    expect(reply.finish).toBe("stop");
  });

  it("OpenRouter has the reasoning in pieces and its signature by itself", async () => {
    const { body, reply } = await askOnce(openrouter);
    expect(body.match(/"reasoning_details"/g)?.length).toBeGreaterThan(2);
    expect(reply.reasoning_details).toHaveLength(1);
    expect(reply.reasoning_details[0]).toMatchObject({ text: step.reasoning, signature: expect.any(String) });
  });

  it("Workers AI ends after 256 tokens unless the request names a limit", async () => {
    const text = "word ".repeat(400);
    const cut = await askOnce(workersAi, { text }, { max_tokens: undefined });
    const whole = await askOnce(workersAi, { text });
    expect(cut.reply).toMatchObject({ finish: "length", text: text.slice(0, 1024) });
    expect(whole.reply).toMatchObject({ finish: "stop", text });
  });

  it("Anthropic has no reasoning", async () => {
    expect((await askOnce(anthropic)).reply.reasoning).toBe("");
  });
});

describe("an ending", () => {
  it("is answered as it is written: a refusal, or the chunks of a reply", async () => {
    const tooLong = minimax.endings?.find(({ means }) => means === "too_long");
    const broken = glm.endings?.find(({ means }) => means === "broken");
    if (!tooLong || !broken) throw new Error("no endings");
    const refusal = answerWith(tooLong);
    expect([refusal.status, await refusal.json()]).toEqual([400, tooLong.refusal?.body]);
    expect(readChunks(await answerWith(broken).text())).toEqual(broken.chunks);
  });
});
