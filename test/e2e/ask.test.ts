// `npm run ask` against a whole server: a shop is planned, built and opened.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningModel, startModel } from "../../dev/model/server.ts";
import {
  findFreePort,
  makeState,
  runProgram,
  type StartedServer,
  type StatePlace,
  startServer,
} from "../setup/started-server.ts";

let place: StatePlace;
let model: RunningModel;
let server: StartedServer;

beforeAll(async () => {
  place = await makeState();
  model = await startModel({ port: 0, tokensPerSecond: 0 });
  const MODEL_SERVERS = JSON.stringify({ second: { base_url: model.baseUrl, models: ["one"] } });
  const MODEL_PRICES = JSON.stringify({ demo: { input: 1, output: 2 } });
  const settings = { OPENAI_API_KEY: "any", OPENAI_BASE_URL: model.baseUrl, OPENAI_MODEL: "demo" };
  // Nobody is there to approve the link.
  server = await startServer(place.state, { ...settings, MODEL_SERVERS, MODEL_PRICES, ALWAYS_APPROVE: "none" });
});
afterAll(async () => {
  await server?.stop();
  await model?.close();
  await place?.removeState();
});

describe("npm run ask", () => {
  it("shows a shop being planned and built, and ends with a link that opens it", async () => {
    const run = await runProgram("dev/ask.ts", ["帮我做一个电商网站", "--state", place.state]);
    expect(run.stderr).toBe("");
    expect(run.code).toBe(0);
    const lines = run.stdout.split("\n");
    for (const title of ["需求分析", "开发阶段", "测试部署"]) expect(lines).toContain(title);
    // A task that the server did not close at first is written once more, with what was seen of it.
    const titleOf = (line: string) => line.trim().split(" ")[1];
    const tasksWith = (mark: string) =>
      new Set(lines.filter((line) => line.startsWith(`  ${mark} `)).map(titleOf)).size;
    expect(["○", "◐", "●", "◍"].map(tasksWith)).toEqual([10, 10, 7, 3]);
    expect(run.stdout).toContain("我说做完了，但服务器运行检查后发现没有：「FAIL shipping is free");
    expect(lines.indexOf("  ◐ 开发后端")).toBeLessThan(lines.indexOf("  ● 开发后端"));
    expect(run.stdout).toContain("$ cd shop && node check.js");
    const link = URL.parse(lines.find((line) => line.startsWith("→ "))?.slice(2) ?? "");
    // Names under localhost are known to browsers, not to every resolver.
    const page = await fetch(`http://127.0.0.1:${link?.port}/`, { headers: { host: link?.host ?? "" } });
    expect(page.status).toBeLessThan(500);
    expect(link?.hostname).toMatch(/\.localhost$/);
  });

  it("ends with 1 on a question that nobody can answer, and prints how to continue", async () => {
    const asked = await runProgram("dev/ask.ts", ["做一个网站，先问我", "--state", place.state, "--thread", "asked"]);
    expect(asked.code).toBe(1);
    expect(asked.stdout).toContain('npm run ask -- --thread asked "…"');
    const answered = await runProgram("dev/ask.ts", ["网上商店", "--state", place.state, "--thread", "asked"]);
    expect(answered.code).toBe(0);
    expect(answered.stdout).toContain("Done.");
    const took = /^([\d,]+) tokens in(?: \([\d,]+ cached\))?, ([\d,]+) out, \$([\d.]+)$/m.exec(answered.stdout);
    const [tokensIn = 0, tokensOut = 0, cost] = took?.slice(1).map((text) => Number(text.replaceAll(",", ""))) ?? [];
    expect(cost).toBeCloseTo((tokensIn + 2 * tokensOut) / 1_000_000, 4);
    expect(answered.stdout).not.toContain("哪一个");
  });

  it("says which scope a key lacks", async () => {
    const made = await fetch(`${server.url}/v1/api-keys`, {
      method: "POST",
      headers: { authorization: `Bearer ${server.key}`, "content-type": "application/json" },
      body: JSON.stringify({ scopes: ["read"] }),
    });
    const { key } = (await made.json()) as { key: string };
    const file = join(place.state, "reading-key");
    await writeFile(file, key);
    const run = await runProgram("dev/ask.ts", ["你好", "--state", place.state, "--key-file", file]);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain("This needs an API key with the scope `run`. The scopes of yours: `read`.");
  });

  it("lists the models, asks the one that is named, and says which there are if it is none", async () => {
    const list = await runProgram("dev/ask.ts", ["--models", "--state", place.state]);
    expect(list).toMatchObject({ code: 0, stderr: "" });
    expect(list.stdout.trim().split("\n")).toEqual(["demo (default)", "taskloom-scripted-demo", "second/one"]);
    const named = ["你好", "--state", place.state, "--thread", "named", "--model", "second/one"];
    expect((await runProgram("dev/ask.ts", named)).code).toBe(0);
    const runs = await fetch(`${server.url}/v1/threads/named/runs`, {
      headers: { authorization: `Bearer ${server.key}` },
    });
    expect(await runs.json()).toMatchObject({ data: [{ model: "second/one", status: "completed" }] });
    const none = await runProgram("dev/ask.ts", ["你好", "--state", place.state, "--model", "second/two"]);
    expect(none.code).toBe(1);
    expect(none.stderr).toContain("Models that can: second/one.");
  });

  it("sends caps, and says which numbers they can be", async () => {
    const capped = ["你好", "--state", place.state, "--max-minutes", "5", "--max-tokens", "1000000"];
    expect((await runProgram("dev/ask.ts", capped)).code).toBe(0);
    const refused = await runProgram("dev/ask.ts", ["你好", "--state", place.state, "--max-minutes", "525601"]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("max_minutes");
  });

  it("prints what to do where no server runs, and that a key is unknown", async () => {
    const port = await findFreePort();
    const wrong = { TASKLOOM_API_KEY: "wrong" };
    const nowhere = await runProgram("dev/ask.ts", ["hi", "--url", `http://127.0.0.1:${port}`], wrong);
    expect(nowhere).toMatchObject({ code: 1, stdout: "" });
    expect(nowhere.stderr).toContain("npm start");
    const refused = await runProgram("dev/ask.ts", ["hi", "--url", server.url], wrong);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("API key");
  });
});
