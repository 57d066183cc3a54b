import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Model } from "../../src/agent/model.ts";
import { agentConfig } from "../../src/protocol/agents/agent.ts";
import { createTools } from "../../src/tools/index.ts";
import { noSettings } from "../../test/fakes/settings.ts";
import { type RunningModel, startModel } from "../model/server.ts";
import { readArguments } from "./arguments.ts";
import { askAll, prepare } from "./ask-model.ts";
import { evaluate } from "./evaluate.ts";
import { readRecordings } from "./recordings.ts";
import { describeOutcome, sumUp } from "./report.ts";
import { requests } from "./requests.ts";

let folder: string;
let scripted: RunningModel;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskloom-eval-"));
  scripted = await startModel({ port: 0, tokensPerSecond: 0 });
});
afterAll(async () => {
  await scripted.close();
  await rm(folder, { recursive: true, force: true });
});

async function run(list: string[], settings: Record<string, string> = {}) {
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  const code = await evaluate(readArguments(list), { settings, print, signal: new AbortController().signal });
  return { code, lines, text: lines.join("\n") };
}

describe("an evaluation without a key", () => {
  it("replays recordings, and reports first and last that they prove nothing about the prompt", async () => {
    const { code, lines } = await run(["--threshold", "1"]);
    const notice = lines.slice(0, 4);
    expect(notice.join("\n")).toMatch(
      /REPLAY: no model was asked[\s\S]*written by hand[\s\S]*NOTHING about the prompt/,
    );
    expect(lines.slice(-4)).toEqual(notice);
    expect(lines.filter((line) => line.startsWith("✓"))).toHaveLength(30);
    expect(code).toBe(0);
  });

  it("records nothing", async () => {
    await expect(run(["--record", join(folder, "none.json")])).rejects.toThrow("set OPENAI_API_KEY");
  });

  it("fails for bad recordings, line by line and by the threshold", async () => {
    const path = join(folder, "bad.json");
    const replies = {
      你好: { text: "unused" },
      "你好！": {
        calls: [{ name: "create_tasks", arguments: { sections: [{ title: "问候", tasks: ["说你好", "再见"] }] } }],
      },
      "Hi, who are you?": { text: "我是 Taskloom，可以帮你做计划。" },
    };
    await writeFile(path, JSON.stringify({ origin: { made: "by hand" }, replies }));
    const { code, text } = await run(["--replay", path, "--only", "small-talk", "--threshold", "0.1"]);
    expect(text).toContain("plan instead of answer");
    expect(text).toContain("the words are zh, the request is en");
    expect(text).toMatch(/small-talk +0\/5 +0\.12 +3 without a reply/);
    // The threshold is reached, but what got no reply was not evaluated.
    expect(code).toBe(1);
    expect((await run(["--replay", path, "--only", "small-talk-3", "--threshold", "0.7"])).code).toBe(1);
    expect((await run(["--replay", path, "--only", "small-talk-3", "--threshold", "0.5"])).code).toBe(0);
  });

  it.each([
    ["is not there", null, "there are no recordings at"],
    ["is no JSON", "{", "is not a recording from --record"],
    ["is something else", '{"replies":{}}', "is not a recording from --record"],
  ])("rejects with a message a file that %s", async (_what, content, words) => {
    const path = join(folder, "broken.json");
    await rm(path, { force: true });
    if (content !== null) await writeFile(path, content);
    await expect(run(["--replay", path])).rejects.toThrow(words);
  });
});

describe("an evaluation with a model", () => {
  it("asks it, warns of a local one, and records its replies so that a replay names the model", async () => {
    const path = join(folder, "recorded.json");
    const settings = {
      OPENAI_API_KEY: "key-of-the-test",
      OPENAI_BASE_URL: scripted.baseUrl,
      OPENAI_MODEL: "scripted-demo",
    };
    const options = ["--only", "small-talk,project-1", "--threshold", "0"];
    const asked = await run([...options, "--record", path], settings);
    expect(asked.code).toBe(0);
    expect(asked.text).toContain("scripted-demo at 127.0.0.1");
    expect(asked.lines.at(-2)).toContain("say NOTHING about it");
    expect(asked.text).toMatch(/tokens: [\d,]+ in/);
    expect(asked.text).toMatch(/✓ +1\.00 +plan +project-1/);
    expect(await readFile(path, "utf8")).not.toContain("key-of-the-test");

    const replayed = await run([...options, "--replay", path], settings);
    const scoresOf = ({ lines }: { lines: string[] }) => lines.filter((line) => /^[✓✗]/.test(line)).toSorted();
    expect(scoresOf(replayed)).toEqual(scoresOf(asked));
    expect(replayed.text).toContain("replies of scripted-demo (native tool calls)");
    expect(replayed.text).toContain("the prompt as it is now");

    const recorded = await readRecordings(path);
    await writeFile(path, JSON.stringify({ ...recorded, origin: { ...recorded.origin, fingerprint: "00000000" } }));
    expect((await run([...options, "--replay", path])).text).toContain("ANOTHER prompt (00000000)");
  });

  it("asks a model of another server by its name, and says so if it is at none", async () => {
    const server = { base_url: scripted.baseUrl, key: "key-of-the-second", models: ["scripted-demo"] };
    const settings = { MODEL_SERVERS: JSON.stringify({ second: server }) };
    const asked = await run(["--only", "small-talk-1", "--model", "second/scripted-demo"], settings);
    expect(asked.text).toContain("second/scripted-demo at 127.0.0.1");
    expect(asked.text).not.toContain("REPLAY");
    for (const options of [["--model", "second/other"], ["--model", "other"], []]) {
      await expect(run(["--only", "small-talk-1", ...options], settings)).rejects.toThrow(/second/);
    }
  });

  it("reports a model that fails, without control characters from its message", async () => {
    const failure = {
      code: "model_error",
      message: "\u001b[2Jno\ncredit",
      retryable: false,
      retry_after_ms: null,
    } as const;
    const setup = await prepare(
      { stream: async () => ({ kind: "failure", failure }) },
      "m",
      agentConfig.parse({}),
      createTools(noSettings),
    );
    const seen: string[] = [];
    const outcomes = await askAll(setup, requests.slice(0, 2), {
      concurrency: 2,
      signal: new AbortController().signal,
      onOutcome: (outcome) => void seen.push(...describeOutcome(outcome)),
    });
    expect(sumUp(outcomes)).toEqual({ passed: 0, asked: 2, failed: 2, score: 0 });
    expect(seen[1]).toBe("      no credit");
  });

  it("limits parallel requests, and sends none once the person has stopped it", async () => {
    const stopping = new AbortController();
    let active = 0;
    let most = 0;
    let asked = 0;
    const model: Model = {
      stream: async () => {
        most = Math.max(most, ++active);
        if (++asked === 6) stopping.abort();
        await Promise.resolve();
        active--;
        const reply = { text: "", reasoning: "", tool_calls: [], finish: "stop", usage: null } as const;
        return { kind: "reply", reply: { ...reply, tool_calls: [] } };
      },
    };
    const setup = await prepare(model, "m", agentConfig.parse({}), createTools(noSettings));
    const ports = { concurrency: 3, signal: stopping.signal, onOutcome: () => {} };
    const outcomes = await askAll(setup, requests, ports);
    expect(most).toBe(3);
    expect(asked).toBeLessThan(10);
    expect(outcomes.map(({ request }) => request)).toEqual(requests);
  });

  it("sends the system prompt, the request and every tool, as the first step of a run does", async () => {
    const sent: Parameters<Model["stream"]>[0][] = [];
    const failure = { code: "model_error", message: "no", retryable: false, retry_after_ms: null } as const;
    const model: Model = {
      stream: async (request) => {
        sent.push(request);
        return { kind: "failure", failure };
      },
    };
    const setup = await prepare(model, "m", agentConfig.parse({}), createTools(noSettings));
    const ports = { concurrency: 1, signal: new AbortController().signal, onOutcome: () => {} };
    await askAll(setup, requests.slice(0, 1), ports);
    expect(sent[0]?.messages).toEqual([
      { role: "system", content: setup.system },
      { role: "user", content: requests[0]?.text },
    ]);
    expect(sent[0]?.tools.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["create_tasks", "execute_command", "ask"]),
    );
  });
});
