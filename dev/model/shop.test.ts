// The real shop: the script's files in a folder, its commands in a shell, its server on a port.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadContent } from "./content.ts";
import { PlanBook, type Rehearsed, rehearse, say, type ToolTable } from "./rehearsal.ts";

let folder: string;
const running: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "scripted-shop-"));
});
afterEach(async () => {
  for (const child of running.splice(0)) {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
  }
  await rm(folder, { recursive: true, force: true });
});

function run(command: string, background: boolean, path: string): Promise<string> {
  const child = spawn("/bin/sh", ["-c", command], {
    cwd: folder,
    detached: true,
    env: { PATH: path, HOME: folder },
    stdio: background ? "ignore" : "pipe",
  });
  running.push(child);
  if (background) return Promise.resolve("still running (command_id: c1)\n(no output)");
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (bytes: Buffer) => (output += bytes.toString()));
  return new Promise((resolve) => child.once("close", (code) => resolve(`exit_code: ${code}\n${output}`)));
}

function realTools(path = process.env.PATH ?? ""): ToolTable {
  return {
    execute_command: ({ command, background }) => run(String(command), background === true, path),
    create_file: async (input) => {
      const file = join(folder, String(input.path));
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, String(input.content));
      return `Wrote ${String(input.path)}.`;
    },
    edit_file: async (input) => {
      const file = join(folder, String(input.path));
      const text = await readFile(file, "utf8");
      if (!text.includes(String(input.old_text))) return "old_text was not found";
      await writeFile(file, text.replace(String(input.old_text), String(input.new_text)));
      return "Edited.";
    },
    list_files: () => "shop",
    expose_port: ({ port }) => JSON.stringify({ url: `http://127.0.0.1:${String(port)}/` }),
  };
}

async function build(
  request: string,
  tools = realTools(),
): Promise<{ played: Rehearsed; book: PlanBook; url: string }> {
  const book = new PlanBook();
  const played = await rehearse({ content: await loadContent(), messages: say(request), book, tools });
  return { played, book, url: /\]\((http:[^)]+)\)/.exec(played.text)?.[1] ?? "" };
}

describe("the shop that the script builds", { timeout: 60_000 }, () => {
  it.each([
    ["帮我做一个电商网站", "陶", "zh-CN"],
    ["build me an online shop", "Stoneware", "en"],
  ])("passes its own check, is online, and sells: %s", async (request, word, language) => {
    const { played, book, url } = await build(request);
    expect(new Set(book.statuses())).toEqual(new Set(["completed"]));
    expect(played.text).toContain("16 passed, 0 failed");
    expect(await (await fetch(url)).text()).toContain(`lang="${language}"`);
    const { products } = (await (await fetch(`${url}api/products`)).json()) as {
      products: { id: string; name: string }[];
    };
    expect(products.some((product) => product.name.includes(word))).toBe(true);
    const body = JSON.stringify({ quantity: 3 });
    const cart = await fetch(`${url}api/cart/me/items/mug`, { method: "PUT", body });
    expect(await cart.json()).toMatchObject({ count: 3 });
  });

  it("is built a second time beside the first, on another port", async () => {
    const first = await build("build me an online shop");
    const second = await build("build me an online shop");
    expect(second.url).not.toBe(first.url);
    expect((await fetch(second.url)).status).toBe(200);
  });

  it.skipIf(!hasPython())("is served by Python where there is no Node", async () => {
    const bin = join(folder, "bin");
    await mkdir(bin);
    await writeFile(join(bin, "node"), "#!/bin/sh\nexit 127\n", { mode: 0o755 });
    const { played, url } = await build("build me an online shop", realTools(`${bin}:${process.env.PATH ?? ""}`));
    expect(played.text).toContain("4 passed, 0 failed");
    expect(await (await fetch(url)).text()).toContain("Meadow");
    expect((await fetch(`${url}api/products`)).status).toBe(200);
  });
});

function hasPython(): boolean {
  try {
    execFileSync("python3", ["--version"]);
    return true;
  } catch {
    return false;
  }
}
