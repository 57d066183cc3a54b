// A walk over every operation of `/openapi.json` with the things of another user. A new operation is part of it: if the
// walk can't fill it in, a test fails and says what to add.
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { DEFAULT_AGENT_ID } from "../../src/protocol/ids.ts";
import { ADMIN_KEY } from "./http-client.ts";
import { identityOf } from "./slack-client.ts";
import { type Case, casesOf, describeCase, type Named } from "./walk/cases.ts";
import type { Things } from "./walk/names.ts";
import { findIdFields, findUndocumented, type Operation, orderOf } from "./walk/operations.ts";
import {
  type AdminOperation,
  adminOperations,
  adminReads,
  meantOf,
  neededThings,
  openOperations,
  refusalsOf,
} from "./walk/rules.ts";
import { takeSnapshot } from "./walk/snapshot.ts";
import { allOf, casesOfAll, createStage, nothingLike, pairsOfAll, type Stage } from "./walk/stage.ts";
import type { Reply } from "./walk/walker.ts";
import { expectStatus, type Watch, watchOver, withoutRequest } from "./walk/watch.ts";
import type { World } from "./walk/world.ts";

/** For a busy machine: all of it takes ten seconds on an idle one. */
const patience = { timeout: 60_000 };

let stage: Stage;
let alpha: World;
let bravo: World;
let watch: Watch;
let keyed: Operation[];

beforeAll(async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  stage = await createStage();
  keyed = stage.walker.operations.filter(({ isOpen }) => !isOpen);
  const [one, other] = ["alphacanary", "bravocanary"];
  alpha = await stage.settle({ user_id: `user_${one}`, mark: one, suffix: "of-alpha", team_id: "TOFALPHA" });
  bravo = await stage.settle({ user_id: `user_${other}`, mark: other, suffix: "of-bravo", team_id: "TOFBRAVO" });
  watch = await watchOver(stage, alpha);
}, patience.timeout);
afterAll(() => vi.restoreAllMocks());

/** One case for each name in each body of an operation: all things are of the one, but that name is of the other. */
function casesWithOne(operation: Operation, things: Things, other: Things): Case[] {
  return casesOf(operation, allOf(things)).flatMap(({ named }, place) =>
    named.flatMap((one) => {
      const isOne = (thing: Named) => thing.place === one.place && thing.name === one.name;
      return casesOf(operation, (thing) => (isOne(thing) ? other : things)[thing.kind]).slice(place, place + 1);
    }),
  );
}

describe("the walk", patience, () => {
  it("knows each operation that needs no key, and why", () => {
    const open = stage.walker.operations.filter(({ isOpen }) => isOpen).map(({ name }) => name);
    // A new open operation needs a line in rules.ts that says what protects it.
    expect(open.sort()).toEqual(Object.keys(openOperations).sort());
  });

  it("compares all tables of D1, and those of the threads' objects", async () => {
    const tables = Object.entries(await takeSnapshot(alpha.user_id)).filter(([, rows]) => rows.length > 0);
    const expected = ["api_keys", "deliveries", "secrets", "ssh_accesses", "journal in thread-live-of-alpha"];
    expect(tables.map(([name]) => name)).toEqual(expect.arrayContaining(expected));
  });

  it("fails for a parameter, a field of a body or a body that it can't fill in", () => {
    const name = "POST /v1/things/{thing_id}";
    const operation = { ...(keyed[0] as Operation), name, path: "/v1/things/{thing_id}", parameters: [], body: null };
    const fill = (part: Partial<Operation>) => casesOf({ ...operation, ...part }, allOf(alpha.things.quiet));
    const said = (what: string, file: string) => new RegExp(`^${name}: .*${what}.*${file}`.replaceAll(/[{}]/g, "\\$&"));
    expect(() => fill({ parameters: [{ in: "path", name: "thing_id" }] })).toThrow(said("thing_id", "names.ts"));
    expect(() => fill({ parameters: [{ in: "query", name: "of" }] })).toThrow(said("of \\(query\\)", "names.ts"));
    const field = { type: "string", pattern: "^[A-Za-z0-9_-]{1,64}$" };
    const body = { properties: { parts: { items: { properties: { parent: field } } } }, example: { parts: [] } };
    expect(findIdFields(body)).toEqual(["parts.parent"]);
    expect(() => fill({ body })).toThrow(said("parts.parent", "names.ts"));
    expect(() => fill({ body: {} })).toThrow(said("no example", "cases.ts"));
    const unfilled = { properties: { resume: { properties: { interrupt_id: field } } }, example: {} };
    expect(() => fill({ body: unfilled })).toThrow(said("resume.interrupt_id", "cases.ts"));
  });
});

describe("what a user has", patience, () => {
  afterEach(() => watch.expectUnchanged(), patience.timeout);

  it("is refused without a key and with what is no key, before anything else is looked at", async () => {
    const wrong = [null, `${alpha.key}x`, alpha.key.slice(0, -1), alpha.things.quiet.key_id, ...alpha.shown];
    for (const asked of casesOfAll(keyed, alpha.things.quiet)) {
      for (const key of wrong) expectStatus(asked, await watch.ask(asked, key), [401]);
    }
  });

  it("is not shown by operations that need no key", async () => {
    const open = stage.walker.operations.filter(({ isOpen }) => isOpen);
    for (const asked of casesOfAll(open, alpha.things.quiet)) {
      const status = openOperations[asked.operation.name]?.status ?? 0;
      // Where no ticket is needed beside a key, it begins something for the key's own user.
      for (const key of asked.isBare ? [null] : [null, bravo.key]) {
        expectStatus(asked, await watch.ask(asked, key), [status]);
      }
    }
  });

  it("is to another user as if it had never existed, on every operation", async () => {
    const [key, other] = [await stage.admit("user_newcomer"), await stage.admit("user_elsewhere")];
    for (const { asked, other: absent } of pairsOfAll(keyed, alpha, nothingLike)) {
      // What may be chosen has a test of its own.
      if (meantOf(asked, alpha).length === 0) continue;
      const reply = await watch.ask(asked, key);
      expectStatus(asked, reply, refusalsOf(asked));
      const shown = describeReply(absent, await watch.ask(absent, other));
      expect([describeCase(asked), describeReply(asked, reply)]).toEqual([describeCase(asked), shown]);
      if (asked.operation.method !== "GET") continue;
      const [head, without] = [
        await watch.ask(asked, key, "all", "HEAD"),
        await watch.ask(absent, other, "all", "HEAD"),
      ];
      expect([describeCase(asked), head.status, head.text]).toEqual([describeCase(asked), without.status, ""]);
    }
    // Lists have nothing but what everybody has from the start. The audit has what the newcomer tried just now.
    const isList = ({ method, path }: Operation) => method === "GET" && !path.includes("{") && path !== "/v1/audit";
    const lists = keyed.filter(isList);
    for (const asked of casesOfAll(lists, alpha.things.quiet)) {
      const { data = [] } = (await watch.ask(asked, key)).body;
      const isGiven = (row: Record<string, unknown>) =>
        row.agent_id === DEFAULT_AGENT_ID ||
        row.name === "first key" ||
        row.is_default !== undefined ||
        // Everybody has the quotas, and a newcomer one key. Refused requests may count for some minutes in an isolate.
        (row.is_rate !== undefined && (row.counted === "isolate" || Number(row.used) <= 1));
      expect([asked.operation.name, data.filter((row) => !isGiven(row))]).toEqual([asked.operation.name, []]);
    }
  });

  it("is refused to the admin key too, but for what an admin does", async () => {
    for (const { asked } of pairsOfAll(keyed, alpha, allOf)) {
      if (meantOf(asked, alpha).length === 0) continue;
      if (asked.operation.name in adminOperations || asked.operation.name in adminReads) continue;
      expectStatus(asked, await watch.ask(asked, ADMIN_KEY), refusalsOf(asked));
    }
  });

  it("is shown to an admin no more than as an account, and is not touched when another account is changed", async () => {
    const made = await stage.walker.send(
      { method: "POST", path: "/v1/users", body: { user_id: "user_spare" } },
      ADMIN_KEY,
    );
    expect(made.status).toBe(201);
    // What the server says of itself has a test of its own.
    const isAdmins = ({ name }: Operation) => name in adminOperations && name !== "GET /v1/server";
    for (const operation of keyed.filter(isAdmins).toSorted((one, other) => orderOf(one) - orderOf(other))) {
      const { status, shows = [], changes } = adminOperations[operation.name] as AdminOperation;
      const { quiet } = alpha.things;
      for (const asked of casesOf(operation, allOf(changes ? { ...quiet, user_id: "user_spare" } : quiet))) {
        const reply = await stage.walker.ask(asked, ADMIN_KEY);
        expectStatus(asked, reply, [status]);
        const rows = reply.body.data ?? [reply.body];
        const shown = rows.flatMap((row) => shows.map((field) => ({ value: String(row[field]) })));
        watch.check(reply, { named: [...asked.named, ...shown] as Case["named"] }, describeCase(asked));
      }
    }
  });

  it("is not found among what another user has, by any one name in a request", async () => {
    for (const which of ["quiet", "asking"] as const) {
      for (const asked of keyed.flatMap((of) => casesWithOne(of, bravo.things[which], alpha.things[which]))) {
        const [name] = meantOf(asked, alpha);
        if (name !== undefined) expectStatus(asked, await watch.ask(asked, bravo.key), refusalsOf(asked, name));
      }
    }
  });

  it("is not shown to whoever brings a token of its Slack workspace", async () => {
    const { team_id } = alpha.things.quiet;
    stage.slack.answers.set("auth.test", () => identityOf(team_id));
    const [operation] = keyed.filter(({ name }) => name === "POST /v1/slack/workspaces") as [Operation];
    for (const asked of casesOf(operation, () => null)) expectStatus(asked, await watch.ask(asked, bravo.key), [409]);
    stage.slack.answers.set("auth.test", () => identityOf(`${team_id}3`));
  });

  it("stays apart from what others make under the same ids", async () => {
    const reads = keyed.filter(({ method }) => method === "GET");
    for (const [place, { asked, things }] of pairsOfAll(keyed, alpha, allOf).entries()) {
      if (meantOf(asked, alpha).length > 0 || asked.operation.method === "GET") continue;
      const key = await stage.admit(`user_maker_${place}`);
      const reply = await watch.ask(asked, key, "made");
      expectStatus(asked, reply, asked.operation.statuses);
      if (reply.status > 299) continue;
      for (const read of casesOfAll(reads, things)) await watch.ask(read, key, "made");
    }
  });
});

describe("the same requests", patience, () => {
  it("are answered to whom the things belong, with documented fields only, so none is refused for its form", async () => {
    for (const operation of keyed.toSorted((one, other) => orderOf(one) - orderOf(other))) {
      const { path, name } = operation;
      const things = neededThings(path);
      // What exists already is a conflict.
      const statuses = name in adminOperations ? [403] : [200, 201, 202, 204, 409];
      for (const asked of casesOf(operation, allOf(alpha.things[things]))) {
        // What is deleted is gone.
        if (asked.isBare && operation.method === "DELETE") continue;
        const reply = await stage.walker.ask(asked, alpha.key);
        expectStatus(asked, reply, statuses);
        const undocumented = findUndocumented(reply.body, operation.answers[reply.status] ?? {});
        expect([describeCase(asked), undocumented]).toEqual([describeCase(asked), []]);
      }
    }
  });
});

/** Without what differs between two requests that are answered alike. */
function describeReply({ named }: Case, { status, text }: Reply): string {
  const shown = `${status} ${withoutRequest(text)}`;
  return named.reduce((said, { name, value }) => said.replaceAll(value, `<${name}>`), shown);
}
