// Two users who use the same ids for everything never meet on any route: another user's data does not exist.
import { HttpAgent } from "@ag-ui/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clientOf } from "../setup/server-client.ts";
import { collectFrames, readFrames, startTaskloom, type Taskloom } from "./harness.ts";

let taskloom: Taskloom;
let ada: User;
let bob: User;

interface User {
  id: string;
  key: string;
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  json(method: string, path: string, body?: unknown): Promise<Record<string, unknown> & { data: unknown[] }>;
}

beforeAll(async () => {
  taskloom = await startTaskloom();
  ada = await addUser("user_ada");
  bob = await addUser("user_bob");
});
afterAll(() => taskloom.close());

async function addUser(user_id: string): Promise<User> {
  const { api_key } = await taskloom.json<{ api_key: string }>("POST", "/v1/users", { user_id, name: user_id });
  return { id: user_id, key: api_key, ...clientOf({ url: taskloom.url, key: api_key }) };
}

const reads = [
  "/v1/threads",
  "/v1/projects",
  "/v1/agents",
  "/v1/api-keys",
  "/v1/threads/same",
  "/v1/threads/same/messages",
  "/v1/threads/same/tasks",
  "/v1/threads/same/runs",
  "/v1/threads/same/runs/inv-same",
  "/v1/threads/same/diagnostics",
  "/v1/projects/proj-same",
  "/v1/agents/agent-same",
  "/v1/agents/agent-same/versions",
  "/v1/agents/agent-same/versions/1",
  "/v1/agents/agent-same/compare?from=1&to=1",
];

/** Everything a user can read, as one text. */
async function readAll(user: User): Promise<string> {
  const texts = await Promise.all(reads.map(async (path) => JSON.stringify(await user.json("GET", path))));
  for (const path of ["/v1/threads/same/events", "/v1/threads/same/runs/inv-same/events"]) {
    const stream = await user.request("GET", path, undefined, { "last-event-id": "100000000" });
    for await (const { id, event } of readFrames(stream)) {
      texts.push(JSON.stringify(event));
      if (id !== null) break;
    }
  }
  return texts.join("\n");
}

/** Creates one of everything, with ids that the other user uses too. */
async function live(user: User, secret: string): Promise<void> {
  await user.json("POST", "/v1/projects", { project_id: "proj-same", name: `project of ${secret}` });
  await user.json("POST", "/v1/agents", { agent_id: "agent-same", name: `agent of ${secret}`, instructions: secret });
  await user.json("POST", "/v1/api-keys", { name: `key of ${secret}` });
  await user.json("POST", "/v1/threads", {
    thread_id: "same",
    project_id: "proj-same",
    agent_id: "agent-same",
    title: `title of ${secret}`,
    metadata: { secret },
  });
  const run = await user.json("POST", "/v1/threads/same/runs?wait=1", {
    message: `[[tool create_tasks {"section_title":"plan of ${secret}","task_contents":["task of ${secret}"]}]] [[then]] [[text I say ${secret}]]`,
    message_id: "msg-same",
    invocation_id: "inv-same",
  });
  expect(run).toMatchObject({ status: "completed", user_id: user.id });
}

describe("two users with the same ids", () => {
  it("read each their own, on every route", async () => {
    await Promise.all([live(ada, "adas-secret"), live(bob, "bobs-secret")]);
    const [adas, bobs] = await Promise.all([readAll(ada), readAll(bob)]);
    for (const [own, other, texts] of [
      ["adas-secret", "bobs-secret", adas],
      ["bobs-secret", "adas-secret", bobs],
    ] as const) {
      for (const what of ["project of", "agent of", "key of", "title of", "plan of", "task of", "I say"]) {
        expect(texts).toContain(`${what} ${own}`);
      }
      expect(texts).not.toContain(other);
    }
    expect(adas).not.toContain("user_bob");
    expect(bobs).not.toContain("user_ada");
    const first = await taskloom.json<{ data: unknown[] }>("GET", "/v1/threads");
    expect(first.data).toEqual([]);
  });

  it("attach through AG-UI each to their own run", async () => {
    for (const [user, own, other] of [
      [ada, "adas-secret", "bobs-secret"],
      [bob, "bobs-secret", "adas-secret"],
    ] as const) {
      const agent = new HttpAgent({
        url: `${taskloom.url}/ag-ui`,
        threadId: "same",
        headers: { authorization: `Bearer ${user.key}` },
      });
      await agent.runAgent({ runId: "inv-same" });
      const received = JSON.stringify([agent.messages, agent.state]);
      expect([received.includes(`I say ${own}`), received.includes(other)]).toEqual([true, false]);
    }
  });

  it("end, change and delete each their own", async () => {
    await ada.json("PATCH", "/v1/threads/same", { title: "changed by ada" });
    await ada.json("PATCH", "/v1/projects/proj-same", { name: "changed by ada" });
    await ada.json("PATCH", "/v1/agents/agent-same", { name: "changed by ada" });
    const slow = { message: "[[pace 20]] [[say 100000]]", invocation_id: "inv-slow" };
    await Promise.all([ada, bob].map((user) => user.json("POST", "/v1/threads/same/runs", slow)));
    expect(await ada.json("POST", "/v1/threads/same/runs/inv-slow/cancel")).toMatchObject({ status: "cancelled" });
    expect(await bob.json("GET", "/v1/threads/same/runs/inv-slow")).toMatchObject({ status: "running" });
    for (const path of ["/v1/threads/same", "/v1/projects/proj-same", "/v1/agents/agent-same"]) {
      expect([path, (await ada.request("DELETE", path)).status]).toEqual([path, 204]);
      expect([path, (await ada.request("GET", path)).status]).toEqual([path, 404]);
    }
    expect(await bob.json("GET", "/v1/threads/same/runs/inv-slow")).toMatchObject({ status: "running" });
    expect(await bob.json("POST", "/v1/threads/same/runs/inv-slow/cancel")).toMatchObject({ status: "cancelled" });
    const bobs = await readAll(bob);
    expect(bobs).not.toContain("changed by ada");
    expect(bobs).toContain("project of bobs-secret");
  });
});

describe("what only another user has", () => {
  it("is not found, on any route and in any body, as if it had never existed", async () => {
    await bob.json("POST", "/v1/projects", { project_id: "proj-bob", name: "bob's" });
    await bob.json("POST", "/v1/agents", { agent_id: "agent-bob", name: "bob's" });
    const run = await bob.json("POST", "/v1/threads/thread-bob/runs?wait=1", {
      message: '[[tool ask {"question":"Sure?"}]]',
      invocation_id: "inv-bob",
    });
    const [interrupt] = run.interrupts as { id: string }[];
    const { data } = await bob.json("GET", "/v1/api-keys");
    const [{ key_id }] = data as [{ key_id: string }];
    const asks: [method: string, path: string, body?: unknown][] = [
      ["GET", "/v1/threads/thread-bob"],
      ["PATCH", "/v1/threads/thread-bob", { title: "mine" }],
      ["DELETE", "/v1/threads/thread-bob"],
      ["GET", "/v1/threads/thread-bob/messages"],
      ["GET", "/v1/threads/thread-bob/tasks"],
      ["GET", "/v1/threads/thread-bob/runs"],
      ["GET", "/v1/threads/thread-bob/runs/inv-bob"],
      ["GET", "/v1/threads/thread-bob/runs/inv-bob/events"],
      ["GET", "/v1/threads/thread-bob/events"],
      ["GET", "/v1/threads/thread-bob/diagnostics"],
      ["POST", "/v1/threads/thread-bob/runs/inv-bob/cancel"],
      [
        "POST",
        "/v1/threads/thread-bob/runs/inv-bob/resume",
        { resume: [{ interrupt_id: interrupt?.id, status: "resolved", payload: "yes" }] },
      ],
      ["GET", "/v1/projects/proj-bob"],
      ["PATCH", "/v1/projects/proj-bob", { name: "mine" }],
      ["DELETE", "/v1/projects/proj-bob"],
      ["GET", "/v1/agents/agent-bob"],
      ["PATCH", "/v1/agents/agent-bob", { name: "mine" }],
      ["DELETE", "/v1/agents/agent-bob"],
      ["GET", "/v1/agents/agent-bob/versions"],
      ["GET", "/v1/agents/agent-bob/versions/1"],
      ["GET", "/v1/agents/agent-bob/compare?from=1&to=1"],
      ["PUT", "/v1/agents/agent-bob/pin", { version: 1 }],
      ["DELETE", "/v1/agents/agent-bob/pin"],
      ["POST", "/v1/agents/agent-bob/rollback", { version: 1 }],
      ["DELETE", `/v1/api-keys/${key_id}`],
      ["POST", "/v1/threads", { project_id: "proj-bob" }],
      ["POST", "/v1/threads", { agent_id: "agent-bob" }],
      ["POST", "/v1/threads/thread-ada/runs", { message: "hi", agent_id: "agent-bob" }],
      [
        "POST",
        "/ag-ui/agent-bob",
        { threadId: "thread-ada", runId: "r", messages: [{ id: "m", role: "user", content: "hi" }] },
      ],
      [
        "POST",
        "/ag-ui",
        { threadId: "thread-bob", runId: "inv-bob", resume: [{ interruptId: interrupt?.id, status: "cancelled" }] },
      ],
    ];
    for (const [method, path, body] of asks) {
      const answer = await ada.request(method, path, body);
      const text = await answer.text();
      expect([method, path, answer.status, JSON.parse(text).code]).toEqual([method, path, 404, "not_found"]);
      const absent = await ada.request(
        method,
        path.replaceAll("bob", "nix"),
        JSON.parse(JSON.stringify(body ?? null)) ?? undefined,
      );
      expect(absent.status).toBe(404);
    }
    expect((await ada.request("GET", "/v1/threads/thread-ada")).status).toBe(404);
    expect(await bob.json("GET", "/v1/threads/thread-bob/runs/inv-bob")).toMatchObject({ status: "interrupted" });
    expect((await bob.json("GET", "/v1/api-keys")).data).toEqual(data);
  });

  it("does not keep an id from being used again", async () => {
    const frames = await collectFrames(
      await ada.request(
        "POST",
        "/v1/threads/thread-bob/runs",
        { message: "hello", invocation_id: "inv-bob" },
        { accept: "text/event-stream" },
      ),
    );
    expect(frames.at(-1)?.event).toMatchObject({ type: "RUN_FINISHED", outcome: { type: "success" } });
    expect(await bob.json("GET", "/v1/threads/thread-bob/runs/inv-bob")).toMatchObject({ status: "interrupted" });
    await ada.json("POST", "/v1/projects", { project_id: "proj-bob", name: "ada's" });
    await ada.json("POST", "/v1/agents", { agent_id: "agent-bob", name: "ada's" });
    expect(await bob.json("GET", "/v1/projects/proj-bob")).toMatchObject({ name: "bob's" });
  });
});

describe("a key", () => {
  it("that is deleted gives access to nothing any more, and others of its user still do", async () => {
    const { key_id, key } = (await bob.json("POST", "/v1/api-keys", { name: "second" })) as unknown as {
      key_id: string;
      key: string;
    };
    const second = clientOf({ url: taskloom.url, key });
    expect((await second.request("GET", "/v1/threads/thread-bob")).status).toBe(200);
    expect((await bob.request("DELETE", `/v1/api-keys/${key_id}`)).status).toBe(204);
    const answer = await second.request("GET", "/v1/threads/thread-bob");
    expect([answer.status, await answer.json()]).toEqual([401, expect.objectContaining({ code: "unauthorized" })]);
    expect((await bob.request("GET", "/v1/threads/thread-bob")).status).toBe(200);
  });

  it("of a user creates no users, and a user's id is given once", async () => {
    const refused = await ada.request("POST", "/v1/users", { user_id: "user_eve" });
    expect([refused.status, await refused.json()]).toEqual([403, expect.objectContaining({ code: "forbidden" })]);
    const again = await taskloom.request("POST", "/v1/users", { user_id: "user_bob" });
    expect([again.status, await again.json()]).toEqual([409, expect.objectContaining({ code: "already_exists" })]);
    const first = await taskloom.request("POST", "/v1/users", { user_id: "user_first" });
    expect(first.status).toBe(409);
  });
});
