// Every operation of `/openapi.json` on a server whose database is full: each works or is refused in words, and none
// fails. Those that only read and those that make room work.
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { fullDatabase } from "./full-database.ts";
import { casesOf, describeCase } from "./walk/cases.ts";
import { orderOf } from "./walk/operations.ts";
import { allOf, createStage, type Stage } from "./walk/stage.ts";
import { createWalker } from "./walk/walker.ts";
import type { World } from "./walk/world.ts";

const patience = { timeout: 120_000 };

let stage: Stage;

beforeAll(async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  vi.spyOn(console, "error").mockImplementation(() => {});
  stage = await createStage();
}, patience.timeout);
afterAll(() => vi.restoreAllMocks());

describe.each([false, true])("a server whose database is full (changes in place too: %s)", (updates) => {
  it("answers each operation, and refuses in words what needs room", patience, async () => {
    const suffix = updates ? "of-fuller" : "of-full";
    const person = {
      user_id: `user_${suffix}`,
      mark: `full${updates}canary`,
      suffix,
      team_id: updates ? "TFULLER" : "TFULL",
    };
    const world: World = await stage.settle(person);
    const walker = await createWalker({ ...stage.slack.bindings, DB: fullDatabase({ updates }) });
    const refused = new Set<string>();
    const failed: string[] = [];
    const operations = [...walker.operations].sort((one, other) => orderOf(one) - orderOf(other));
    for (const operation of operations) {
      for (const asked of casesOf(operation, allOf(world.things.quiet))) {
        const reply = await walker.ask(asked, world.key);
        if (reply.status === 507) refused.add(operation.name);
        else if (reply.status >= 500 && reply.body.code !== "not_configured")
          failed.push(`${describeCase(asked)}: ${reply.status} ${reply.text}`);
        if (reply.status === 507) expect(reply.body.code).toBe("database_full");
      }
    }
    await walker.settled();
    expect(failed).toEqual([]);
    // What only reads answers. These two write as they are opened: a ticket that is used, a state that is asked back.
    const read = [...refused].filter((name) => name.startsWith("GET "));
    expect(read).toEqual([...(updates ? ["GET /v1/events"] : []), "GET /integrations/slack/install"]);
    // Conversations continue, and what makes room works.
    const always = [...refused].filter((name) => /threads(?!.*ticket)|ag-ui/.test(name));
    expect(always).toEqual([]);
    expect(refused).not.toContain("DELETE /v1/projects/{project_id}");
  });
});
