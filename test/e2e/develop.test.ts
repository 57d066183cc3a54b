// `npm run dev` in a clone of its own: serving changed sources, which only this command does.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildTestWorker } from "../setup/build.ts";
import { findFreePort, noSettings, root } from "../setup/started-server.ts";

let clone: string;
let port: number;
let child: ChildProcess;
let original: string;
const lines: string[] = [];

/** The next line that matches, after those that were awaited before. */
async function awaitLine(pattern: RegExp): Promise<string> {
  for (;;) {
    for (let line = lines.shift(); line !== undefined; line = lines.shift()) if (pattern.test(line)) return line;
    await once(child, "line");
  }
}

const source = () => join(clone, "src/http/docs/openapi.ts");

/** As an editor does: another file is renamed over it. So the server sees each text whole, and as one change. */
async function replaceSource(text: string): Promise<void> {
  const written = join(clone, "openapi.ts.new");
  await writeFile(written, text);
  await rename(written, source());
}

async function readTitle(): Promise<string> {
  const document = (await (await fetch(`http://127.0.0.1:${port}/openapi.json`)).json()) as { info: { title: string } };
  return document.info.title;
}

beforeAll(async () => {
  clone = await mkdtemp(join(tmpdir(), "taskloom-clone-"));
  for (const name of [
    "src",
    "dev",
    "migrations",
    "scripts",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
    "wrangler.toml",
  ]) {
    await cp(join(root, name), join(clone, name), { recursive: true });
  }
  await symlink(join(root, "node_modules"), join(clone, "node_modules"));
  original = await readFile(source(), "utf8");
  port = await findFreePort();
  child = spawn(process.execPath, [join(clone, "dev/start.ts"), "--watch", "--port", String(port)], {
    cwd: clone,
    env: { ...process.env, ...noSettings },
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      child.emit("line");
    });
  }
});

afterAll(async () => {
  const ended = once(child, "exit");
  child.kill();
  await ended;
  await rm(clone, { recursive: true, force: true });
});

describe("npm run dev", { timeout: 240_000 }, () => {
  it("prints that it is for development, and serves a changed source on its own", async () => {
    await awaitLine(/for development/);
    await awaitLine(/^ready on/);
    // At once: what changes as soon as the server is ready is noticed.
    await replaceSource(original.replace('title: "Taskloom"', 'title: "Changed"'));
    expect(await awaitLine(/has changed$/)).toBe("src/http/docs/openapi.ts has changed");
    await awaitLine(/^ready$/);
    expect(await readTitle()).toBe("Changed");
  });

  it("notices each time an editor replaces a source by renaming another file over it", async () => {
    // Both were built before.
    for (const title of ["Taskloom", "Changed"]) {
      await replaceSource(original.replace('title: "Taskloom"', `title: "${title}"`));
      await awaitLine(/^ready$/);
      expect(await readTitle()).toBe(title);
    }
  });

  it("keeps the former Worker where a source can't be built, or where its build can't start", async () => {
    await replaceSource(`${original}\nexport const broken = ;\n`);
    await awaitLine(/failed:/);
    expect(await readTitle()).toBe("Changed");
    await replaceSource(`${original}\nthrow new Error("at load");\n`);
    await awaitLine(/at load/);
    await awaitLine(/^ready: the former version runs again$/);
    expect(await readTitle()).toBe("Changed");
    await replaceSource(original);
    await awaitLine(/^ready$/);
    expect(await readTitle()).toBe("Taskloom");
  });
});

describe("a cached build", () => {
  it("that is damaged is made again", async () => {
    // As `npm run dev` has built it above.
    const build = () => buildTestWorker({ minified: false }, clone);
    const { script } = await build();
    const whole = await readFile(script, "utf8");
    await writeFile(join(dirname(script), "build.json"), "{}");
    expect((await build()).options.name).toBe("taskloom");
    await writeFile(script, whole.slice(0, 1_000));
    expect((await readFile((await build()).script, "utf8")).length).toBe(whole.length);
  });
});
