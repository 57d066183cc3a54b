// What a user may do in a minute and at once: how the server refuses more, what that costs, and whom it leaves alone.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { setLimits } from "./fixed-limits.ts";
import { clearTriggers, deliverTo, makeHook, readLog, signStandard } from "./hook-client.ts";
import type { Answer, Client } from "./http-client.ts";
import { agUi, expectRefused, giveQuotas, run, serverWith } from "./quota-server.ts";

let lines: string[] = [];

beforeEach(() => {
  // All that a test sends falls into one minute.
  vi.useFakeTimers({ toFake: ["Date"] });
  lines = [];
  vi.spyOn(console, "warn").mockImplementation((line) => void lines.push(String(line)));
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  await clearTriggers();
});

describe("a refused request makes no write to D1 and no call of an object", () => {
  const starts: [string, (user: Client) => Promise<Answer>][] = [
    ["a run", (user) => run(user)],
    ["an answer", (user) => user.send("POST", "/v1/threads/thread-q/runs/inv-1/resume", { resume: [answerOf("int")] })],
    ["AG-UI", (user) => user.send("POST", "/ag-ui", agUi)],
    ["AG-UI with an agent", (user) => user.send("POST", "/ag-ui/agent_default", agUi)],
    ["a wait", (user) => user.send("POST", "/v1/threads/thread-q/runs?wait=1", { message: "hi" })],
    ["a trigger by hand", (user) => user.send("POST", "/v1/triggers/trig_q/run", {})],
  ];
  const answerOf = (interrupt_id: string) => ({ interrupt_id, status: "resolved", payload: "blue" });
  const file = "/v1/projects/proj-q/sandbox/files/content?path=a.txt";
  const cases: [string, string, (user: Client) => Promise<Answer>][] = [
    ...starts.map(([what, ask]) => ["runs_per_minute", what, ask] as (typeof cases)[number]),
    ["runs_per_minute", "a run whose body is none", (user) => user.send("POST", "/v1/threads/thread-q/runs", "{")],
    ["runs_at_once", "a run", (user) => run(user)],
    ["requests_per_minute", "a read", (user) => user.send("GET", "/v1/threads")],
    ["requests_per_minute", "a stream", (user) => user.send("GET", "/v1/threads/thread-q/events")],
    ["requests_per_minute", "a path that is not there", (user) => user.send("GET", "/v1/nothing")],
    ["sums_per_minute", "sums of usage", (user) => user.send("GET", "/v1/usage?days=90")],
    ["changes_per_minute", "a new agent", (user) => user.send("POST", "/v1/agents", { name: "a" })],
    ["changes_per_minute", "a change", (user) => user.send("PATCH", "/v1/agents/agent-q", { name: "b" })],
    ["changes_per_minute", "a body that is none", (user) => user.send("PATCH", "/v1/threads/thread-q", "{")],
    ["streams", "a stream", (user) => user.send("GET", "/v1/threads/thread-q/events")],
    ["streams", "a run's stream", (user) => streamed(user)],
    ["streams", "a wait", (user) => user.send("POST", "/v1/threads/thread-q/runs?wait=1", { message: "hi" })],
    ["transfers", "an upload", (user) => user.send("PUT", file, new Uint8Array(3))],
    ["transfers", "a download", (user) => user.send("GET", file)],
  ];
  const streamed = (user: Client) =>
    user.send("POST", "/v1/threads/thread-q/runs", { message: "hi" }, { accept: "text/event-stream" });

  it.each(cases)("%s: %s", async (name, _what, ask) => {
    const { client, user, written } = await serverWith({ [name]: 0 });
    // The first request of a key notes its use.
    await user.send("DELETE", "/v1/api-keys/key_none");
    const [writes, calls] = [written.length, client.threads.asked.length];
    for (let count = 0; count < 5; count++) expectRefused(await ask(user), name);
    expect(written.slice(writes)).toEqual([]);
    expect(client.threads.asked.slice(calls)).toEqual([]);
  });

  it("runs_per_minute: a delivery, whose sender learns nothing of the account", async () => {
    const { client, user, user_id, written } = await serverWith({});
    const { trigger_id, secret } = await makeHook(user);
    const deliver = () => deliverTo(user, trigger_id, "{}", signStandard(secret, "{}"));
    expect((await deliver()).status).toBe(202);
    await giveQuotas(user_id, { runs_per_minute: 1 });
    const [writes, calls] = [written.length, client.threads.asked.length];
    for (let count = 0; count < 5; count++) {
      const refused = await deliver();
      expect([refused.status, refused.body.code]).toEqual([429, "quota_exceeded"]);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(50);
      expect(refused.text).not.toContain("runs_per_minute");
    }
    expect(written.slice(writes)).toEqual([]);
    expect(client.threads.asked.slice(calls)).toEqual([]);
    expect(await readLog(user, trigger_id)).toHaveLength(1);
  });
});

describe("deliveries", () => {
  it("beyond a user's quota leave no row, whichever triggers they are for, and whether they need a run or not", async () => {
    const { client, user, written } = await serverWith({}, { DELIVERY_LIMIT: undefined });
    setLimits({ deliveries_per_minute: 6 });
    const hooks = await Promise.all(Array.from({ length: 3 }, () => makeHook(user)));
    const ping = '{"type":"webhook.ping","data":{"webhook_id":"wh_1"}}';
    const statuses: number[] = [];
    let [writes, calls] = [0, 0];
    for (let round = 0; round < 4; round++) {
      if (round === 2) [writes, calls] = [written.length, client.threads.asked.length];
      for (const { trigger_id, secret } of hooks) {
        const body = round % 2 === 0 ? ping : "{}";
        statuses.push((await deliverTo(user, trigger_id, body, signStandard(secret, body))).status);
      }
    }
    expect(statuses).toEqual([...Array(6).fill(202), ...Array(6).fill(429)]);
    expect(written.slice(writes)).toEqual([]);
    expect(client.threads.asked.slice(calls)).toEqual([]);
  });
});

describe("a rate", () => {
  it("lets as much through as the quota says, refuses the rest, and lets through again after the time it names", async () => {
    const { user } = await serverWith({ runs_per_minute: 3 });
    for (let count = 0; count < 3; count++) expect((await run(user)).status).toBe(202);
    const refused = await run(user);
    expectRefused(refused, "runs_per_minute");
    const wait_ms = Number(refused.headers.get("retry-after")) * 1000;
    expect(wait_ms).toBeLessThanOrEqual(70_000);
    vi.setSystemTime(Date.now() + wait_ms - 2_000);
    expect((await run(user)).status).toBe(429);
    vi.setSystemTime(Date.now() + 2_000);
    expect((await run(user)).status).toBe(202);
  });

  it("is each user's own, and a user's own number counts before the setting's", async () => {
    const { client, user, user_id } = await serverWith({ requests_per_minute: 2 });
    const change = (from: Client) => from.send("DELETE", "/v1/agents/none");
    await giveQuotas(user_id, { requests_per_minute: 4 });
    const statuses = [];
    for (let count = 0; count < 6; count++) statuses.push((await change(user)).status);
    expect(statuses).toEqual([404, 404, 404, 404, 429, 429]);
    const other = await client.addUser(`${user_id}_other`);
    for (let count = 0; count < 3; count++) statuses.push((await change(other)).status);
    expect(statuses.slice(6)).toEqual([404, 404, 429]);
  });

  it("is the first user's own for the admin key, while that acts for the first user", async () => {
    const { client } = await serverWith({ requests_per_minute: 2 });
    const change = async () => (await client.send("DELETE", "/v1/agents/none")).status;
    await client.send("PATCH", "/v1/users/user_first", { quotas: { requests_per_minute: 4 } });
    const statuses = [];
    for (let count = 0; count < 6; count++) statuses.push(await change());
    expect(statuses).toEqual([404, 404, 404, 404, 429, 429]);
    await client.send("PATCH", "/v1/users/user_first", { quotas: null });
  });

  it("is counted for all of a user's keys together", async () => {
    const { client, user } = await serverWith({ runs_per_minute: 2 });
    const second = client.as(String((await user.send("POST", "/v1/api-keys", {})).body.key));
    expect([(await run(user)).status, (await run(second)).status]).toEqual([202, 202]);
    expect([(await run(user)).status, (await run(second)).status]).toEqual([429, 429]);
  });

  it("logs one line in a minute, however many are refused", async () => {
    const { user } = await serverWith({ requests_per_minute: 1 });
    await user.send("GET", "/v1/threads");
    for (let count = 0; count < 50; count++) expect((await user.send("GET", "/v1/threads")).status).toBe(429);
    expect(lines.filter((line) => line.includes("quota_exceeded"))).toHaveLength(1);
    expect(lines.filter((line) => line.includes("request_failed"))).toEqual([]);
  });

  it("lets a user who fails again and again write 120 lines a minute into the log, and one that says so", async () => {
    const { client, user, user_id } = await serverWith({});
    const other = await client.addUser(`${user_id}_other`);
    const linesOf = (event: string, user_id: string) =>
      lines.map((line) => JSON.parse(line)).filter((line) => line.event === event && line.user_id === user_id);
    for (let count = 0; count < 130; count++) expect((await user.send("GET", "/v1/nothing")).status).toBe(404);
    await other.send("GET", "/v1/nothing");
    expect(linesOf("request_failed", user_id)).toHaveLength(120);
    expect(linesOf("requests_failed", user_id)).toHaveLength(1);
    expect(linesOf("request_failed", `${user_id}_other`)).toHaveLength(1);
    vi.setSystemTime(Date.now() + 70_000);
    await user.send("GET", "/v1/nothing");
    expect(linesOf("request_failed", user_id)).toHaveLength(121);
  });

  it("is answered in the form of each protocol", async () => {
    const { user } = await serverWith({ runs_per_minute: 0 });
    const [usual, ofAgUi] = [await run(user), await user.send("POST", "/ag-ui", agUi)];
    expect(usual.headers.get("content-type")).toBe("application/problem+json");
    expect(ofAgUi.headers.get("content-type")).toBe("application/json");
    for (const { body } of [usual, ofAgUi]) expect(body.type).toBe("urn:taskloom:problem:quota_exceeded");
  });

  it("never keeps anybody from ending a key or sessions, nor an admin from administering", async () => {
    const { client, user, user_id } = await serverWith({ requests_per_minute: 0, changes_per_minute: 0 });
    expect((await user.send("GET", "/v1/threads")).status).toBe(429);
    expect((await user.send("DELETE", "/v1/sessions")).status).toBe(204);
    expect((await user.send("DELETE", "/v1/sessions/none")).status).toBe(404);
    const [key] = (await client.send("GET", `/v1/users/${user_id}/api-keys`)).body.data ?? [];
    expect((await user.send("DELETE", `/v1/api-keys/${key?.key_id}`)).status).toBe(204);
    expect((await client.send("PATCH", `/v1/users/${user_id}`, { disabled: true })).status).toBe(200);
  });
});
