import { describe, expect, it } from "vitest";
import { openD1 } from "../../test/fakes/sqlite-d1.ts";
import { readConfig } from "../config.ts";
import type { Thread } from "../protocol/thread.ts";
import { describeMissing, type SandboxProvider, type SandboxRequest } from "../sandboxes/index.ts";
import { createPorts } from "./ports.ts";

const thread = { user_id: "user_1", project_id: "proj_1", thread_id: "thread_1", created_at: "" } as Thread;
const memory = { known: null, remember: () => {} };

describe("a thread's sandbox", () => {
  it("is unavailable if the server has no provider, and the error names the setting", async () => {
    const ports = createPorts(readConfig({} as never), openD1().binding, {} as Queue<unknown>);
    const sandbox = await ports.openSandbox(thread, () => {}, memory);
    const listing = sandbox.listFiles("", 1, new AbortController().signal);
    await expect(listing).rejects.toMatchObject({ code: "unavailable", message: describeMissing() });
  });
});

/** What the provider is asked for by a thread whose project D1 does not have, at the first use of the sandbox. */
async function askWithoutProject(made_at: string | null) {
  const asked: SandboxRequest[] = [];
  const provider = {
    openSandbox: (request: SandboxRequest) => {
      asked.push(request);
      throw new Error("that is all");
    },
  } as unknown as SandboxProvider;
  const config = readConfig({} as never);
  const ports = createPorts(config, openD1().binding, {} as Queue<unknown>, undefined, provider);
  let unknown = 0;
  const origin = { made_at, onUnknown: () => void unknown++ };
  const created_at = "2026-02-02T00:00:00.000Z";
  const sandbox = await ports.openSandbox({ ...thread, created_at }, () => {}, memory, undefined, undefined, origin);
  await sandbox.listFiles("", 1, new AbortController().signal).catch(() => {});
  return { labels: asked[0]?.labels, unknown };
}

describe("the sandbox of a project that D1 does not have", () => {
  // A sandbox with another time is taken for that of a deleted project, and is deleted with its files.
  it("is of no certain time if the project was there before the thread, so that it is never taken for another's", async () => {
    const { labels, unknown } = await askWithoutProject(null);
    expect(labels).toEqual({ app: "taskloom", user_id: "user_1", project_id: "proj_1" });
    expect(unknown).toBe(1);
  });

  it("is of the time at which the thread made the project", async () => {
    const made_at = "2026-02-01T00:00:00.000Z";
    expect((await askWithoutProject(made_at)).labels).toMatchObject({ project_created_at: made_at });
  });
});

describe("the price of a model", () => {
  it("is the operator's, else the known one, else null", () => {
    const env = { OPENAI_API_KEY: "k", MODEL_PRICES: '{"house/*": 2}' };
    const { priceOf } = createPorts(readConfig(env as never), openD1().binding, {} as Queue<unknown>);
    expect(priceOf("house/m")).toEqual({ input: 2, output: 2 });
    expect(priceOf("gpt-5")).toMatchObject({ input: 1.25, output: 10 });
    expect(priceOf("gpt-5", { service_tier: "priority" })).toMatchObject({ input: 3.125, output: 25 });
    expect(priceOf("m")).toBeNull();
  });
});

describe("a server's model", () => {
  const ask = async (env: Record<string, string>) => {
    const ports = createPorts(readConfig(env as never), openD1().binding, {} as Queue<unknown>);
    const model = ports.models.native({ read: () => [], add: () => {}, remove: () => {} });
    return model.stream({ model: "m", messages: [], tools: [] }, () => {}, new AbortController().signal);
  };

  it("is chosen by the model's name among the servers, and one that is missing is named", async () => {
    const MODEL_SERVERS = JSON.stringify({ a: { base_url: "http://127.0.0.1:9", models: ["x"] } });
    const refused = await ask({ MODEL_SERVERS, OPENAI_MODEL: "a/x" });
    expect(refused).toMatchObject({ failure: { message: expect.stringMatching(/"m" is at no server.* a\./) } });
    const broken = await ask({ MODEL_SERVERS: "{", OPENAI_API_KEY: "k" });
    expect(broken).toMatchObject({ failure: { message: expect.stringContaining("MODEL_SERVERS"), retryable: false } });
  });

  it("fails with the setting to fix if there is no key, or no such profile", async () => {
    expect(await ask({})).toMatchObject({ failure: { message: expect.stringContaining("OPENAI_API_KEY") } });
    const misspelt = await ask({ OPENAI_API_KEY: "k", MODEL_PROFILE: "ollamma" });
    expect(misspelt).toMatchObject({
      failure: { message: expect.stringMatching(/MODEL_PROFILE .*ollama/), retryable: false },
    });
  });
});
