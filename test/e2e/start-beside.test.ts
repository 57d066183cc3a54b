// `npm start` beside others: another instance, a second start on the same state, wrangler, and a stranger on its port.
import { readdir, rm, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findFreePort, makeState, runProgram, type StartedServer, startServer } from "../setup/started-server.ts";

let state: string;
let removeState: () => Promise<void>;
let servers: StartedServer[];

beforeEach(async () => {
  ({ state, removeState } = await makeState());
  servers = [];
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop("SIGTERM")));
  await removeState();
});

async function start(place = state): Promise<StartedServer> {
  const server = await startServer(place);
  servers.push(server);
  return server;
}

describe("npm start", () => {
  it("runs beside another instance, but not twice on one state", async () => {
    const other = await makeState();
    const [one, two] = await Promise.all([start(), start(other.state)]);
    expect(one.key).not.toBe(two.key);
    expect((await fetch(`${two.url}/v1/threads`, { headers: { authorization: `Bearer ${one.key}` } })).status).toBe(
      401,
    );
    const third = await runProgram("dev/start.ts", ["--port", "8786", "--state", state]);
    expect(third).toMatchObject({ code: 1, stdout: "" });
    expect(third.stderr.trim().split("\n")).toHaveLength(1);
    expect(third.stderr).toContain("is already in use");
    await two.stop();
    await other.removeState();
  });

  it("records migrations where wrangler looks for them", async () => {
    await rm(join(state, "v3"), { recursive: true });
    const server = await start();
    await server.stop();
    const args = ["d1", "migrations", "list", "taskloom", "--local", "--persist-to", state];
    const list = await runProgram("node_modules/.bin/wrangler", args, { WRANGLER_SEND_METRICS: "false" });
    expect(list.stdout).toContain("No migrations to apply");
  });

  it("refuses a state of a version before 0.2.0 before it reads or makes anything there", async () => {
    const folder = join(state, "v3/d1/miniflare-D1DatabaseObject");
    const names = (await readdir(folder)).filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name));
    const database = new DatabaseSync(join(folder, names[0] ?? ""));
    database.exec("UPDATE d1_migrations SET name = '0017_receipts.sql'");
    database.close();
    await rm(join(state, "v3/d1/applied-migrations"));
    const before = await readdir(join(state, "start"));
    const run = await runProgram("dev/start.ts", ["--port", String(await findFreePort()), "--state", state]);
    expect(run).toMatchObject({ code: 1, stdout: "" });
    expect(run.stderr).toMatch(/before 0\.2\.0[\s\S]*npm start -- --state DIR/);
    expect((await readdir(state)).toSorted()).toEqual(["start", "v3"]);
    const after = await readdir(join(state, "start"));
    expect(after.filter((name) => name !== "tmp" && !before.includes(name))).toEqual([]);
  });

  it("mistakes no other server's response for its own when the port was taken meanwhile", async () => {
    const port = await findFreePort();
    const run = runProgram("dev/start.ts", ["--port", String(port), "--state", state]);
    // Created after the port was found free, and long before the Worker listens.
    await expect
      .poll(
        () =>
          stat(join(state, "start/encryption-key")).then(
            () => true,
            () => false,
          ),
        { interval: 1 },
      )
      .toBe(true);
    const asked: string[] = [];
    const stranger = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.end("{}");
    });
    await new Promise<void>((resolve) => stranger.listen(port, "127.0.0.1", resolve));
    const { code, stdout, stderr } = await run;
    stranger.close();
    expect([code, stdout, asked]).toEqual([1, "", []]);
    expect(stderr).toContain("Address already in use");
    await expect(stat(join(state, "start/server.json"))).rejects.toThrow("ENOENT");
  });
});
