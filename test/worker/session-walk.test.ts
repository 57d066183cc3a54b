// A walk over every operation of `/openapi.json` with sessions: of each set of scopes, of another user, and in requests
// of other sites' pages. A new operation is part of it.
import { env } from "cloudflare:test";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { expandScopes, type Scope, userScopes } from "../../src/protocol/keys/scope.ts";
import { makeSession } from "../fakes/session.ts";
import { casesOf, describeCase } from "./walk/cases.ts";
import { type Operation, orderOf } from "./walk/operations.ts";
import { meantOf, neededThings, refusalsOf } from "./walk/rules.ts";
import { allOf, casesOfAll, createStage, pairsOfAll, type Stage } from "./walk/stage.ts";
import { cookieOf } from "./walk/walker.ts";
import { expectStatus, type Watch, watchOver } from "./walk/watch.ts";
import type { World } from "./walk/world.ts";

const patience = { timeout: 60_000 };

let stage: Stage;
let world: World;
let watch: Watch;
let keyed: Operation[];

/** As sign-in makes them: null, or with what a role adds. The others are what a row may have. */
const sets: (Scope[] | null)[] = [null, ["read", "run", "write", "admin"], ["read"], ["run"], ["write"], ["admin"], []];
const cookies = new Map<string, string>();

beforeAll(async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  stage = await createStage();
  keyed = stage.walker.operations.filter(({ isOpen }) => !isOpen);
  const person = { user_id: "user_of_sessions", mark: "sessioncanary", suffix: "of-sessions", team_id: "TSESSIONS" };
  world = await stage.settle(person);
  for (const given of sets) cookies.set(String(given), await addSession(world.user_id, given));
  watch = await watchOver(stage, world);
}, patience.timeout);
afterAll(() => vi.restoreAllMocks());

async function addSession(user_id: string, scopes: Scope[] | null): Promise<string> {
  return cookieOf((await makeSession(env.DB, { user_id, scopes })).token);
}

function isPermitted({ scope }: Operation, given: Scope[] | null): boolean {
  const held = given === null ? userScopes : expandScopes(given);
  return scope === null || scope.split(" or ").some((one) => held.includes(one as Scope));
}

describe("a session", patience, () => {
  afterEach(() => watch.expectUnchanged(), patience.timeout);

  it("without the scope gets 403 with its name on every operation, before anything happens", async () => {
    for (const given of sets) {
      const cookie = cookies.get(String(given)) ?? "";
      for (const asked of casesOfAll(keyed, world.things.quiet).filter(
        ({ operation }) => !isPermitted(operation, given),
      )) {
        const reply = await stage.walker.ask(asked, cookie);
        expectStatus(asked, reply, [403]);
        expect(reply.body.detail).toContain(`the scope \`${asked.operation.scope?.replace(" or ", "` or `")}\`.`);
      }
    }
  });

  it("with the scope is never refused for it", async () => {
    for (const [place, given] of sets.entries()) {
      const permitted = keyed.filter((operation) => isPermitted(operation, given));
      // An admin changes accounts, and must not change the world's.
      const account = `user_changed_in_session_${place}`;
      await stage.admit(account);
      for (const asked of casesOfAll(permitted, { ...world.things.quiet, user_id: account })) {
        // Of a user who has nothing. One that the operation ends is of no use for the next.
        const reply = await stage.walker.ask(asked, await addSession(`user_in_session_${place}`, given));
        expect([describeCase(asked), reply.text.includes("This needs an API key")]).toEqual([
          describeCase(asked),
          false,
        ]);
        expect([describeCase(asked), reply.status === 401]).toEqual([describeCase(asked), false]);
      }
    }
  });

  it("of another user is refused everywhere, as a key is", async () => {
    for (const { asked } of pairsOfAll(keyed, world, allOf)) {
      if (meantOf(asked, world).length === 0) continue;
      expectStatus(asked, await watch.ask(asked, await addSession("user_elsewhere", null)), refusalsOf(asked));
    }
  });

  it("counts on no operation in a request of another site's page, a neighbour's or none", async () => {
    const cookie = cookies.get("null") ?? "";
    for (const site of ["cross-site", "same-site", "none"]) {
      for (const asked of casesOfAll(keyed, world.things.quiet)) {
        const planted = { ...asked, headers: { ...asked.headers, "sec-fetch-site": site } };
        expectStatus(planted, await watch.ask(planted, cookie), [401]);
      }
    }
  });

  it("as a bearer key is nothing, on every operation", async () => {
    const token = (cookies.get("null") ?? "").replace("cookie ", "");
    for (const asked of casesOfAll(keyed, world.things.quiet))
      expectStatus(asked, await watch.ask(asked, token), [401]);
  });
});

describe("whoever owns the things", patience, () => {
  it("is answered on every operation that needs no admin", async () => {
    for (const operation of keyed.toSorted((one, other) => orderOf(one) - orderOf(other))) {
      const { path, scope } = operation;
      if (scope === "admin") continue;
      const things = neededThings(path);
      for (const asked of casesOf(operation, allOf(world.things[things]))) {
        // What is deleted is gone.
        if (asked.isBare && operation.method === "DELETE") continue;
        const cookie = await addSession(world.user_id, null);
        expectStatus(asked, await stage.walker.ask(asked, cookie), [200, 201, 202, 204, 409]);
      }
    }
  });
});
