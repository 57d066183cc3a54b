import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh from "ssh2";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readHostKey } from "./ssh.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskloom-host-key-"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

it("the host key is made once and readable for its owner only", async () => {
  const key = await readHostKey(folder, ssh.utils);
  expect(await readHostKey(folder, ssh.utils)).toBe(key);
  expect((await stat(join(folder, "ssh-host-key"))).mode & 0o777).toBe(0o600);
});

it("the host key is made again when it can't be read", async () => {
  await writeFile(join(folder, "ssh-host-key"), "cut sho");
  const key = await readHostKey(folder, ssh.utils);
  expect(ssh.utils.parseKey(key)).not.toBeInstanceOf(Error);
  expect(await readFile(join(folder, "ssh-host-key"), "utf8")).toBe(key);
});

it("a new host key can be read, though the library makes some that can't", async () => {
  const good = await readHostKey(folder, ssh.utils);
  await rm(join(folder, "ssh-host-key"));
  const made = [good.slice(0, 200), good];
  const generateKeyPairSync = () => ({ private: made.shift() ?? "", public: "" });
  expect(await readHostKey(folder, { parseKey: ssh.utils.parseKey, generateKeyPairSync })).toBe(good);
});
