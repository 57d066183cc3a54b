// What strict servers accept although it looks like a break of their rules: a rule that holds for one model, for the
// turn in progress or for requests with tools must hold for nothing else.
import { describe, expect, it } from "vitest";
import { answerOf, append, editStep, insert, join, markParts, set, showImage } from "./breaks/changes.ts";
import { clientOf } from "./breaks/index.ts";
import { ask, type Break, type Client, converse, draft, opening, openServer } from "./client.ts";
import { deepseek, deepseekFlash } from "./providers/deepseek.ts";
import { gemini } from "./providers/gemini.ts";
import { glm } from "./providers/glm.ts";
import { kimi, kimiK3 } from "./providers/kimi.ts";
import { openai, openaiOlder } from "./providers/openai.ts";
import { openrouter } from "./providers/openrouter.ts";
import { qwen } from "./providers/qwen.ts";

/** Sends the request behind a conversation, changed; answers with the rules that it broke and the wishes it missed. */
async function tryChange(client: Client, change: Break): Promise<{ refused: string[]; missed: string[] }> {
  const server = openServer(client.provider);
  const request = await converse(client, server);
  change(request);
  await ask(server, request);
  return { refused: server.refused.map(({ rule }) => rule), missed: server.missed.map(({ rule }) => rule) };
}

const nothing = { refused: [], missed: [] };

describe("the server of OpenAI", () => {
  it("lets an older model have tools, max_tokens and a temperature", async () => {
    const change = set({ max_tokens: 100, temperature: 0.2 });
    expect(await tryChange(clientOf(openaiOlder), change)).toEqual(nothing);
  });

  it("lets GPT-5.4 have tools without an effort, and GPT-6.1 with none at all", async () => {
    const change = set({ model: "gpt-5.4", reasoning_effort: undefined });
    expect(await tryChange(clientOf(openai), change)).toEqual(nothing);
    for (const reasoning_effort of [undefined, "low", "max"]) {
      const { refused } = await tryChange(clientOf(openai), set({ model: "gpt-6.1-sol", reasoning_effort }));
      expect(refused).toEqual(["refuses tools while a newer model reasons"]);
    }
  });
});

describe("the server of DeepSeek", () => {
  it("lets a flash see images", async () => {
    expect(await tryChange(clientOf(deepseekFlash), join(set({ tools: undefined }), showImage))).toEqual(nothing);
  });

  it("wants no thoughts back without tools", async () => {
    const change: Break = ({ body }) => {
      delete body.tools;
      for (const message of body.messages) delete message.reasoning_content;
    };
    expect(await tryChange(clientOf(deepseek), change)).toEqual(nothing);
  });
});

describe("the servers of DeepSeek and Kimi", () => {
  it.each([deepseek, kimi])("accept an empty reasoning: $profile", async (provider) => {
    const change: Break = (request) => {
      answerOf(request).reasoning_content = "";
      editStep((step) => {
        step.reasoning_content = "";
      })(request);
    };
    expect(await tryChange(clientOf(provider), change)).toEqual(nothing);
  });
});

describe("the server of Kimi", () => {
  it("refuses an empty text beside calls for K3 only", async () => {
    const change = editStep((step) => {
      step.content = "";
    });
    const { refused } = await tryChange(clientOf(kimiK3), change);
    expect(refused).toEqual(["refuses an assistant message that says nothing"]);
    expect(await tryChange(clientOf(kimi), change)).toEqual(nothing);
  });

  it("lets K3 be made to call a tool, whichever it is", async () => {
    const change = set({ tool_choice: "required" });
    expect(await tryChange(clientOf(kimiK3), change)).toEqual(nothing);
    const { refused } = await tryChange(clientOf(kimi), change);
    expect(refused).toEqual(["refuses to be made to call a tool while it thinks"]);
  });
});

describe("the server of Qwen", () => {
  it("asks for no thoughts of older turns that a request does not want to keep", async () => {
    const change = editStep((step) => {
      delete step.reasoning_content;
    });
    expect(await tryChange(clientOf(qwen), join(set({ preserve_thinking: false }), change))).toEqual(nothing);
  });
});

describe("the server of GLM", () => {
  it("asks for the thoughts of older turns only where a request keeps them", async () => {
    const change: Break = ({ body: { messages } }) => {
      const older = messages.find(({ tool_calls }) => tool_calls !== undefined);
      Object.assign(older ?? {}, { reasoning_content: "Read it." });
    };
    expect(await tryChange(clientOf(glm), change)).toEqual(nothing);
    const { refused, missed } = await tryChange(clientOf(glm), join(set({ clear_thinking: false }), change));
    expect([refused, missed]).toEqual([[], ["asks for the thoughts before the calls of this turn, unchanged"]]);
  });
});

describe("the server of Gemini", () => {
  const dropSignature = editStep(({ tool_calls }) => {
    delete tool_calls?.[0]?.extra_content;
  });

  it("does not check calls of an earlier turn", async () => {
    const end = append({ role: "assistant", content: "3." }, { role: "user", content: "Thanks." });
    expect(await tryChange(clientOf(gemini), join(dropSignature, end))).toEqual(nothing);
  });

  it("accepts the documented signature for a call of another model", async () => {
    const change = editStep(({ tool_calls }) => {
      const google = { thought_signature: "skip_thought_signature_validator" };
      Object.assign(tool_calls?.[0] ?? {}, { extra_content: { google } });
    });
    expect(await tryChange(clientOf(gemini), change)).toEqual(nothing);
  });
});

describe("the server of OpenRouter", () => {
  it("accepts calls of another model, which have no reasoning details", async () => {
    const client = clientOf(openrouter);
    const call = { id: "abc123def", type: "function", function: { name: "read_file", arguments: '{"path":"c.txt"}' } };
    const messages = [
      ...opening,
      { role: "assistant", content: "", tool_calls: [call] },
      { role: "tool", tool_call_id: call.id, content: "3" },
    ];
    expect((await ask(openServer(openrouter), draft(client, messages))).status).toBe(200);
  });

  it("accepts four cache marks", async () => {
    expect(await tryChange(clientOf(openrouter), insert(markParts(4, "A document.")))).toEqual(nothing);
  });
});
