// The effects of the hooks of `hooks.ts`, as a client sees them.
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

describe("a hook", () => {
  const ask = (content: string) =>
    client.chat.completions.create({ model: MODEL, messages: user(content), stream: true });

  it("fails with a status and a time to wait", async () => {
    const error = await ask("[[status 429 retry-after 7]]").catch((thrown: unknown) => thrown as APIError);
    expect(error).toMatchObject({ status: 429, code: "rate_limit_exceeded" });
    expect((error as APIError).headers?.get("retry-after")).toBe("7");
    await expect(ask("[[status 500]]")).rejects.toMatchObject({ status: 500 });
  });

  it("cuts the connection after so many chunks", async () => {
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

  it("cuts the connection after so many bytes, in the middle of a chunk or a character", async () => {
    const message = "[[text 商店]]";
    const whole = Buffer.from(await (await post(message, true)).arrayBuffer());
    const inside = whole.indexOf("商") + 1;
    for (const bytes of [1, 100, inside]) {
      const response = await post(`[[cut after ${bytes} bytes]] ${message}`, true);
      const got: Uint8Array[] = [];
      await expect(
        (async () => {
          for await (const piece of response.body ?? []) got.push(piece);
        })(),
      ).rejects.toThrow();
      expect(Buffer.concat(got).length).toBe(bytes);
    }
  });

  it("fails only the first times, for each message separately", async () => {
    const statuses = async (content: string) => {
      const answers: number[] = [];
      for (let turn = 0; turn < 4; turn++) {
        const answer = await post(content, true);
        await answer.body?.cancel();
        answers.push(answer.status);
      }
      return answers;
    };
    expect(await statuses("a [[status 500]] [[times 2]] [[say 1]]")).toEqual([500, 500, 200, 200]);
    expect(await statuses("b [[times 1]] [[status 503]]")).toEqual([503, 200, 200, 200]);
  });

  it("fails during the work where the fault follows a then", async () => {
    const asked = user("[[tool a {}]] [[then]] [[status 500]] [[times 1]] [[text well]]");
    const create = (messages: OpenAI.ChatCompletionMessageParam[]) =>
      client.chat.completions.create({ model: MODEL, messages });
    const called = (await create(asked)).choices[0]?.message;
    const id = called?.tool_calls?.[0]?.id ?? "";
    const worked = [...asked, called, { role: "tool", tool_call_id: id, content: "result" }];
    const next = () => create(worked as OpenAI.ChatCompletionMessageParam[]);
    await expect(next()).rejects.toMatchObject({ status: 500 });
    expect((await next()).choices[0]?.message.content).toBe("well");
  });

  it("responds with a page, resets the connection, or ends without a finish reason", async () => {
    expect(await (await post("[[html]]", true)).text()).toContain("<!doctype html>");
    await expect(post("[[reset]]", true)).rejects.toThrow("fetch failed");
    const ending = await readFrames("[[no end]] [[text abc]]");
    expect(ending.join()).toContain("abc");
    expect(ending.join()).not.toMatch(/\[DONE\]|"finish_reason":"/);
    const error = await readFrames("[[error]] [[text abc]]");
    expect(JSON.parse(error.at(-2) ?? "")).toMatchObject({ error: { code: 503 } });
  });

  it("sends a line without an end until the client disconnects", async () => {
    const leaving = new AbortController();
    const reader = (await post("[[endless]]", true, leaving.signal)).body?.getReader();
    for (let size = 0; size < 1_000_000; ) size += (await reader?.read())?.value?.length ?? 0;
    leaving.abort();
    await expect(reader?.read()).rejects.toThrow();
  });

  it("sends comments before the response", async () => {
    const frames = await readFrames("[[comments 2]] [[text abc]]");
    expect(frames.slice(1, 3)).toEqual([": PROCESSING", ": PROCESSING"]);
    expect(frames.join()).toContain("abc");
  });

  it("quotes the key that it rejects", async () => {
    await expect(ask("[[status 401]]")).rejects.toThrow("Bearer any");
  });

  it("says as many bytes as requested", async () => {
    const { choices } = await client.chat.completions.create({ model: MODEL, messages: user("[[fill 2500]]") });
    expect(choices[0]?.message.content).toHaveLength(2500);
  });

  it("goes silent: after the headers, after some chunks, or at once", async () => {
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

  it("sends invalid JSON, and a choice without content", async () => {
    expect((await readFrames("[[bad json]]"))[1]).toBe("{this is not json");
    expect((await readFrames("[[empty]] [[say 5]]")).join()).not.toContain("word");
  });

  it("calls tools in order, and reports their results", async () => {
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

  it("repeats a call for ever, and echoes what it received", async () => {
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

  it("that is invalid or not closed is left to the script", async () => {
    for (const text of ["[[hello]] hello", "hello [[say 5"]) {
      const reply = await client.chat.completions.create({ model: MODEL, messages: user(text) });
      expect(reply.choices[0]?.message.content).toContain("scripted demo model");
    }
  });
});
