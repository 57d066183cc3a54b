import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openState, readAdminKey, type State } from "./state.ts";

let state: State;

beforeEach(async () => {
  state = await openState(await mkdtemp(join(tmpdir(), "taskloom-state-")));
});
afterEach(() => rm(state.data, { recursive: true, force: true }));

const file = (name: string) => join(state.folder, name);
const read = async (name: string) => (await readFile(file(name), "utf8")).trim();

describe("the admin key", () => {
  it("has a file of its own, and is the same one at each start", async () => {
    const made = await readAdminKey(state);
    expect(await read("admin-key")).toBe(made);
    expect(await readAdminKey(state)).toBe(made);
  });

  it("is another one where somebody deleted it, and is never the key of a user", async () => {
    const key = "tl_01m8g57xmwshadkvzwgcxtbsef_gaekmm54qjr3z79t61ct72gbtj2af07xd3yhwa21";
    await writeFile(file("key"), `${key}\n`);
    const made = await readAdminKey(state);
    expect(made).not.toBe(key);
    expect(await read("admin-key")).toBe(made);
    expect(await read("key")).toBe(key);
  });
});
