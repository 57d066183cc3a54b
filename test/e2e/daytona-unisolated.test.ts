/**
 * The whole shop on a machine without bubblewrap: sandboxes are then plain processes that share the machine's ports.
 */
import { mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openPreview, startTaskloom, type Taskloom } from "./harness.ts";

interface Run {
  status: string;
  result: { text: string; unfinished_tasks: number };
}

const path = process.env.PATH ?? "";
let programs: string;
let taskloom: Taskloom;

/** Every program of this machine except bubblewrap. */
async function hideBubblewrap(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "taskloom-programs-"));
  for (const source of path.split(delimiter)) {
    for (const name of await readdir(source).catch(() => [])) {
      if (name !== "bwrap") await symlink(join(source, name), join(folder, name)).catch(() => undefined);
    }
  }
  return folder;
}

beforeAll(async () => {
  programs = await hideBubblewrap();
  process.env.PATH = programs;
  taskloom = await startTaskloom();
});

afterAll(async () => {
  await taskloom?.close();
  process.env.PATH = path;
  await rm(programs, { recursive: true, force: true });
});

async function buildShop(thread_id: string, content: string): Promise<string> {
  await taskloom.json("POST", "/v1/threads", { thread_id });
  const run = await taskloom.json<Run>("POST", `/v1/threads/${thread_id}/runs?wait=1`, { message: content });
  expect(run).toMatchObject({ status: "completed", error: null, result: { unfinished_tasks: 0 } });
  return /http:\/\/30\d\d-[a-z0-9-]+\.localhost:\d+\/?/.exec(run.result.text)?.[0] ?? run.result.text;
}

it("the shop is built twice without isolation, each on a port of its own, while another program has port 3000", async () => {
  // Free or taken already: in both cases it is taken now.
  const other = createServer().listen(3000, "127.0.0.1");
  other.on("error", () => {});
  const links = [
    await buildShop("shop-one", "帮我做一个电商网站"),
    await buildShop("shop-two", "Build me an online shop"),
  ];
  const [one, two] = await Promise.all(links.map(openPreview));
  expect([one?.status, two?.status]).toEqual([200, 200]);
  expect(one?.text).toContain('<html lang="zh');
  expect(two?.text).toContain('<html lang="en');
  const ports = links.map((link) => /\/\/(\d+)-/.exec(link)?.[1]);
  expect(new Set([...ports, "3000"]).size).toBe(3);
  other.close();
});
