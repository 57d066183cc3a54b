import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { SandboxState } from "./sandboxes.ts";
import { type NewSandbox, Sandboxes } from "./sandboxes.ts";

let state: string;

beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), "taskloom-sandboxes-"));
});

afterEach(() => rm(state, { recursive: true, force: true }));

it("a server that was killed leaves sandboxes that start again, or that report an error where they were half-made", async () => {
  const rows: [left: SandboxState, isIncomplete: boolean, found: SandboxState][] = [
    ["creating", false, "stopped"],
    ["creating", true, "error"],
    ["building_snapshot", false, "build_failed"],
    ["started", false, "stopped"],
    ["archived", false, "archived"],
  ];
  const former = new Sandboxes(state);
  for (const [left, isIncomplete, found] of rows) {
    const name = `${left} ${isIncomplete} ${found}`;
    await former.add({ name, image: { env: {} }, isIncomplete } as unknown as NewSandbox, left);
  }
  const next = new Sandboxes(state);
  await next.load();
  const seen = next.all().map(({ record }) => [record.name.split(" ")[0], record.isIncomplete, record.state]);
  expect(seen).toEqual(expect.arrayContaining(rows));
  expect(seen).toHaveLength(rows.length);
});
