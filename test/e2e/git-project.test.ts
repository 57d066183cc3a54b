// A project whose files come from a private repository, over the complete server: cloned automatically, edited with
// tools, pushed back. The password is in nothing that anybody can read.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import { type GitServer, type Repository, startGitServer } from "./git-server.ts";
import { collectFrames, startTaskloom, type Taskloom } from "./harness.ts";

const CANARY = "canary-77ab41-pass";
const ann = { username: "ann", password: CANARY };

let taskloom: Taskloom;
let host: GitServer;
let repository: Repository;
/** All answers and streams, to search at the end. */
const seen: string[] = [];

beforeAll(async () => {
  host = await startGitServer();
  taskloom = await startTaskloom({ ENCRYPTION_KEY: "a key of the tests", ALLOW_PRIVATE_URLS: "1" });
  repository = await host.addRepository("team/shop", {
    files: { "README.md": "shop\n" },
    branches: { dev: { "dev.txt": "dev\n" } },
    credentials: ann,
  });
});

afterAll(async () => {
  await taskloom.close();
  await host.close();
});

async function ask(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const response = await taskloom.request(method, path, body);
  const text = await response.text();
  seen.push(text);
  expect(response.ok, `${method} ${path}: ${text}`).toBe(true);
  return text === "" ? {} : JSON.parse(text);
}

/** The events of a run in which the model makes these calls, one after another. */
async function run(thread: string, ...calls: [name: string, input: object][]): Promise<ThreadEvent[]> {
  const message = calls.map(([name, input]) => `[[tool ${name} ${JSON.stringify(input)}]]`).join("[[then]]");
  const stream = { accept: "text/event-stream" };
  const response = await taskloom.request("POST", `/v1/threads/${thread}/runs`, { message }, stream);
  const events = (await collectFrames(response)).map(({ event }) => event);
  seen.push(JSON.stringify(events));
  return events;
}

function resultsOf(events: ThreadEvent[]): string[] {
  return events.flatMap((event) => (event.type === "TOOL_CALL_RESULT" ? [event.content] : []));
}

function sandboxNews(events: ThreadEvent[]): string[] {
  return events.flatMap((event) =>
    event.type === "CUSTOM" && event.name === "sandbox" ? [(event.value as { message: string }).message] : [],
  );
}

const list: [string, object] = ["list_files", { path: "shop" }];

describe("a project from a private repository", () => {
  it("can't be cloned before its credential is stored; the model receives the reason, and the sandbox works", async () => {
    const git = { url: repository.url, branch: "dev" };
    await ask("POST", "/v1/projects", { project_id: "shop", name: "Shop", git });
    for (const thread_id of ["one", "two", "three"])
      await ask("POST", "/v1/threads", { thread_id, project_id: "shop" });
    const events = await run("three", ["execute_command", { command: "echo usable" }]);
    expect(resultsOf(events)[0]).toMatch(/usable[\s\S]*could not be cloned[\s\S]*POST \/v1\/git-credentials/);
    expect(sandboxNews(events).join("\n")).toMatch(/Cloning http.*\n.*could not be cloned/);
  });

  it("is cloned at its first use after that: readers see it, and each thread is notified of its place once", async () => {
    await ask("POST", "/v1/git-credentials", { host: host.origin, ...ann });
    const [first, second] = await Promise.all([run("three", list), run("two", list)]);
    const line = `[The project's repository ${repository.url} is in the folder shop (branch dev).]`;
    for (const events of [first, second])
      expect(resultsOf(events).join()).toMatch(/README\.md[\s\S]*dev\.txt|dev\.txt/);
    for (const events of [first, second]) expect(resultsOf(events).join()).toContain(line);
    expect([...sandboxNews(first), ...sandboxNews(second)].filter((text) => text.startsWith("Cloned"))).toHaveLength(1);
    expect(resultsOf(await run("three", list)).join()).not.toContain("The project's repository");
  });

  it("is edited with the tools, and a push arrives", async () => {
    const events = await run(
      "one",
      ["create_file", { path: "shop/new.txt", content: "new\n" }],
      ["git_status", {}],
      ["git_branch", { name: "fix/one", create: true }],
      ["git_commit", { message: "Add new.txt", files: ["shop/new.txt"] }],
      ["git_push", {}],
      ["git_status", {}],
      ["git_pull", { path: "shop" }],
      ["git_branch", {}],
    );
    const results = resultsOf(events);
    expect(results[1]).toMatch(/^shop is on branch dev.*\nChanged files \(1\):\nnew\.txt \(Untracked\)$/);
    expect(results[3]).toMatch(/^Committed [0-9a-f]{10} on fix\/one in shop/);
    expect(results.slice(4)).toEqual([
      "Pushed fix/one of shop to origin.",
      "shop is on branch fix/one, 0 commits to push, 0 to pull.\nNothing is changed.",
      "Nothing to pull: fix/one of shop has all that origin has.",
      "Branches of shop:\n  dev\n* fix/one",
    ]);
    expect(await repository.read("fix/one", "new.txt")).toBe("new\n");
  });

  it("is beside the model's own clones, which never replace existing files", async () => {
    const page = `${host.origin}/team/shop.git`;
    const events = await run(
      "two",
      ["git_clone", { url: page, path: "again", branch: "main" }],
      ["git_clone", { url: page, path: "again" }],
    );
    const [cloned, inTheWay] = resultsOf(events);
    expect(cloned).toBe(`Cloned ${page} into again (branch main).`);
    expect(inTheWay).toMatch(/There is something in again already/);
  });

  it("is there too when a person starts the sandbox", async () => {
    const git = { url: repository.url, path: "src/app" };
    await ask("POST", "/v1/projects", { project_id: "door", name: "Door", git });
    expect(await ask("POST", "/v1/projects/door/sandbox/start")).toMatchObject({ state: "started" });
    expect(JSON.stringify(await ask("GET", "/v1/projects/door/sandbox/files?path=src/app"))).toContain("README.md");
  });

  it("keeps the password out of everything readable: answers, streams, rows, logs, the sandbox", async () => {
    // In two pieces, so that the command itself does not contain it.
    const places = `grep -rIls canary-77"ab41" "$HOME" /tmp /var/tmp; grep -las canary-77"ab41" /proc/[0-9]*/environ; echo done`;
    const [found] = resultsOf(await run("one", ["execute_command", { command: places }]));
    expect(found).toContain("done");
    expect(found).not.toMatch(/\/(home|tmp|var|proc|root)/);
    for (const thread of ["one", "two", "three"]) {
      await ask("GET", `/v1/threads/${thread}/messages?limit=200`);
      await ask("GET", `/v1/threads/${thread}/diagnostics`);
    }
    await ask("GET", "/v1/git-credentials");
    await ask("GET", "/v1/projects/shop");
    const DB = await taskloom.runtime.database();
    const tables = await DB.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all<{ name: string }>();
    const rows = await Promise.all(
      tables.results
        .filter(({ name }) => !name.startsWith("_"))
        .map(({ name }) => DB.prepare(`SELECT * FROM "${name}"`).all()),
    );
    const stored = JSON.stringify(rows.map(({ results }) => results));
    expect(stored).toContain("Add new.txt");
    const logs = taskloom.runtime.logs.join("\n");
    for (const text of [...seen, stored, logs]) {
      expect(text).not.toContain(CANARY);
      expect(text).not.toContain(btoa(`ann:${CANARY}`).slice(0, 20));
    }
    // It was sent to the one host that it is for.
    expect(host.requests.some(({ authorization }) => authorization?.endsWith(btoa(`ann:${CANARY}`)))).toBe(true);
  });
});
