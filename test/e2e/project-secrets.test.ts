// Secrets of a project over the complete server: a command gets them, and nobody reads the value anywhere else.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Fault } from "../../dev/daytona/faults.ts";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import { type Fixture, startFixture } from "./daytona-fixture.ts";
import { collectFrames, SANDBOX_KEY, startTaskloom, type Taskloom } from "./harness.ts";

const CANARY = "canary-8e27-value";

/** The events of a run in which the model makes these calls, one after another. */
async function run(at: Taskloom, thread: string, ...commands: string[]): Promise<ThreadEvent[]> {
  const message = commands.map((command) => `[[tool execute_command ${JSON.stringify({ command })}]]`).join("[[then]]");
  const stream = { accept: "text/event-stream" };
  const response = await at.request("POST", `/v1/threads/${thread}/runs`, { message }, stream);
  return (await collectFrames(response)).map(({ event }) => event);
}

function resultsOf(events: ThreadEvent[]): string[] {
  return events.flatMap((event) => (event.type === "TOOL_CALL_RESULT" ? [event.content] : []));
}

async function makeThread(at: Taskloom, project_id: string, ...threads: string[]): Promise<void> {
  await at.json("POST", "/v1/projects", { project_id, name: "Shop" });
  for (const thread_id of threads) await at.json("POST", "/v1/threads", { thread_id, project_id });
}

const hashOf = async (text: string) => {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Buffer.from(digest).toString("hex");
};
const SHOW_HASH = 'printf %s "$TOKEN" | sha256sum';

describe("where Daytona keeps no secrets", () => {
  let taskloom: Taskloom;

  beforeAll(async () => {
    taskloom = await startTaskloom({ ENCRYPTION_KEY: "a key of the tests" });
  });
  afterAll(() => taskloom?.close());

  it("a command has the value; results, streams, messages and logs have *** and the name", async () => {
    await makeThread(taskloom, "shop", "one");
    const stored = await taskloom.json("PUT", "/v1/projects/shop/secrets/TOKEN", { value: CANARY });
    expect(stored).toMatchObject({ name: "TOKEN", delivered: "env" });
    const events = await run(taskloom, "one", SHOW_HASH, 'echo "it is $TOKEN"; sleep 1; echo $TOKEN >&2');
    const [first = "", second = ""] = resultsOf(events);
    expect(first).toContain(await hashOf(CANARY));
    expect(first).toContain("[Commands get these environment variables, which the person stored as secrets: TOKEN.");
    expect(second).toContain("it is ***");
    expect(second).not.toContain("Commands get these");
    const messages = await (await taskloom.request("GET", "/v1/threads/one/messages")).text();
    const rows = await taskloom.runtime.queryObject("user_first/one", "SELECT * FROM journal");
    for (const text of [JSON.stringify(events), messages, JSON.stringify(rows), ...taskloom.runtime.logs]) {
      expect(text).not.toContain("8e27");
    }
  });

  it("a changed value reaches the next commands of the same sandbox", async () => {
    const value = "another-8e27-value";
    await run(taskloom, "one", "echo kept > file.txt");
    await taskloom.json("PUT", "/v1/projects/shop/secrets/TOKEN", { value });
    await expect
      .poll(async () => resultsOf(await run(taskloom, "one", `${SHOW_HASH}; cat file.txt`))[0], { timeout: 60_000 })
      .toContain(await hashOf(value));
    expect(resultsOf(await run(taskloom, "one", "cat file.txt"))[0]).toContain("kept");
    await taskloom.request("DELETE", "/v1/projects/shop/secrets/TOKEN");
    await expect
      .poll(async () => resultsOf(await run(taskloom, "one", 'echo "[$TOKEN]"'))[0], { timeout: 60_000 })
      .toContain("[]");
  });
});

describe("where Daytona keeps secrets", () => {
  const faults: Fault[] = [];
  let fixture: Fixture;
  let taskloom: Taskloom;

  beforeAll(async () => {
    fixture = await startFixture({ apiKey: SANDBOX_KEY, mode: "0.218", faults });
    taskloom = await startTaskloom({ ENCRYPTION_KEY: "a key of the tests", DAYTONA_API_URL: fixture.server.apiUrl });
  });
  afterAll(async () => {
    await taskloom?.close();
    await fixture?.dispose();
  });

  async function kept(): Promise<string[]> {
    const response = await fetch(`${fixture.server.apiUrl}/secret`, {
      headers: { authorization: `Bearer ${SANDBOX_KEY}` },
    });
    return ((await response.json()) as { name: string }[]).map(({ name }) => name);
  }

  it("a command has a placeholder, the model reads the hosts, and it goes with the project", async () => {
    await makeThread(taskloom, "kept", "two");
    const body = { value: CANARY, hosts: ["api.example.com"] };
    const stored = await taskloom.json("PUT", "/v1/projects/kept/secrets/TOKEN", body);
    expect(stored).toMatchObject({ delivered: "secret", hosts: ["api.example.com"] });
    const [result = ""] = resultsOf(await run(taskloom, "two", 'echo "$TOKEN"; env | grep -c 8e27'));
    expect(result).toMatch(/^dtn_secret_[0-9a-f]+\n0\n/m);
    expect(result).toContain("TOKEN (a placeholder, which HTTPS requests to api.example.com turn into the value)");
    expect(await kept()).toEqual([expect.stringMatching(/^taskloom_[0-9a-f]{32}_TOKEN$/)]);
    await taskloom.request("DELETE", "/v1/projects/kept");
    expect(await kept()).toEqual([]);
  });

  it("a server that dies after the secret and before the sandbox continues with both", {
    timeout: 180_000,
  }, async () => {
    await makeThread(taskloom, "killed", "three");
    await taskloom.json("PUT", "/v1/projects/killed/secrets/TOKEN", { value: CANARY, hosts: ["api.example.com"] });
    const fault: Fault = { request: "POST /api/sandbox", answer: "silence", hits: 0 };
    faults.push(fault);
    const message = `[[tool execute_command ${JSON.stringify({ command: 'echo "$TOKEN"' })}]]`;
    const { invocation_id } = await taskloom.json<{ invocation_id: string }>("POST", "/v1/threads/three/runs", {
      message,
    });
    await expect.poll(() => fault.hits, { timeout: 20_000 }).toBeGreaterThan(0);
    expect(await kept()).toHaveLength(1);
    faults.length = 0;
    await taskloom.runtime.restart();
    const path = `/v1/threads/three/runs/${invocation_id}`;
    await expect
      .poll(async () => (await taskloom.json<{ status: string }>("GET", path)).status, { timeout: 90_000 })
      .toBe("completed");
    const messages = await (await taskloom.request("GET", "/v1/threads/three/messages")).text();
    expect(messages).toMatch(/dtn_secret_[0-9a-f]+/);
    expect(messages).not.toContain("8e27");
    expect(await kept()).toHaveLength(1);
  });
});
