// What the hooks of `hooks.ts` do on the wire.
import OpenAI, { type APIError } from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningModel, startModel } from "./server.ts";
import { MODEL } from "./stream.ts";

let model: RunningModel;
let client: OpenAI;

beforeAll(async () => {
  model = await startModel({ port: 0, tokensPerSecond: 0 });
  client = new OpenAI({ apiKey: "any", baseURL: model.baseUrl, maxRetries: 0 });
});
afterAll(() => model.close());

function user(content: string): { role: "user"; content: string }[] {
  return [{ role: "user", content }];
}

function post(content: string, stream: boolean, signal?: AbortSignal): Promise<Response> {
  const body = JSON.stringify({ model: MODEL, stream, messages: user(content) });
  return fetch(`${model.baseUrl}/chat/completions`, { method: "POST", body, signal });
}

async function readFrames(content: string): Promise<string[]> {
  const text = await (await post(content, true)).text();
  return text.split("\n\n").map((frame) => frame.replace(/^data: /, ""));
}

describe("the hooks", () => {
  const ask = (content: string) =>
    client.chat.completions.create({ model: MODEL, messages: user(content), stream: true });

  it("fail with a status and a time to wait", async () => {
    const error = await ask("[[status 429 retry-after 7]]").catch((thrown: unknown) => thrown as APIError);
    expect(error).toMatchObject({ status: 429, code: "rate_limit_exceeded" });
    expect((error as APIError).headers?.get("retry-after")).toBe("7");
    await expect(ask("[[status 500]]")).rejects.toMatchObject({ status: 500 });
  });

  it("cut the connection after so many chunks", async () => {
    const response = await post("[[cut after 20]] [[say 100]]", true);
    const decoder = new TextDecoder();
    let text = "";
    await expect(
      (async () => {
        for await (const bytes of response.body ?? []) text += decoder.decode(bytes, { stream: true });
      })(),
    ).rejects.toThrow();
    expect(text.match(/data: /g)).toHaveLength(20);
  });

  it("fall silent: after the head, after some chunks, or at once", async () => {
    for (const [hook, chunks] of [
      ["[[stall]]", 0],
      ["[[stall after 3]]", 3],
    ] as const) {
      const leaving = new AbortController();
      const response = await post(`${hook} [[say 9]]`, true, leaving.signal);
      const reader = response.body?.getReader();
      let text = "";
      while ((text.match(/data: /g)?.length ?? 0) < chunks)
        text += new TextDecoder().decode((await reader?.read())?.value);
      expect(text).not.toContain("[DONE]");
      leaving.abort();
    }
    await expect(post("[[silent]]", false, AbortSignal.timeout(50))).rejects.toThrow();
  });

  it("send what is no JSON, and a choice without content", async () => {
    expect((await readFrames("[[bad json]]"))[1]).toBe("{this is not json");
    expect((await readFrames("[[empty]] [[say 5]]")).join()).not.toContain("word");
  });

  it("call tools in order, and tell their results", async () => {
    const messages: OpenAI.ChatCompletionMessageParam[] = user(
      "[[tool a {}]] [[tool b {}]] [[then]] [[raw c not json]] [[same id]]",
    );
    const said: string[] = [];
    for (let step = 0; step < 3; step++) {
      const { choices } = await client.chat.completions.create({ model: MODEL, messages });
      const message = choices[0]?.message;
      if (!message) throw new Error("no message");
      const calls = (message.tool_calls ?? []).filter((call) => call.type === "function");
      said.push(
        calls.map((call) => `${call.id} ${call.function.name} ${call.function.arguments}`).join() ||
          String(message.content),
      );
      messages.push({
        ...message,
        tool_calls: calls.length > 0 ? calls.slice(0, 1) : undefined,
      } as OpenAI.ChatCompletionMessageParam);
      if (calls[0]) messages.push({ role: "tool", tool_call_id: calls[0].id, content: `result ${step}` });
    }
    expect(said).toEqual(["call_same_0 a {},call_same_0 b {}", "call_same_1 c not json", "done: result 0 | result 1"]);
  });

  it("loop, and echo what was seen", async () => {
    expect((await readFrames("[[loop]]")).join()).toContain("view_tasks");
    const echoed = await client.chat.completions.create({
      model: MODEL,
      messages: [{ role: "system", content: "s" }, ...user("[[echo]]")],
    });
    expect(JSON.parse(echoed.choices[0]?.message.content ?? "")).toMatchObject([
      { role: "system", length: 1 },
      { role: "user" },
    ]);
  });

  it("are left to the script when they are no hooks, or not closed", async () => {
    for (const text of ["[[hello]] hello", "hello [[say 5"]) {
      const reply = await client.chat.completions.create({ model: MODEL, messages: user(text) });
      expect(reply.choices[0]?.message.content).toContain("scripted demo model");
    }
  });
});
