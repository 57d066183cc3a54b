// A walk over every operation of `/openapi.json` with keys of each scope. A new operation is part of it.
import { env } from "cloudflare:test";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { mintApiKey } from "../../src/http/api-key.ts";
import { expandScopes, type Scope, scopes } from "../../src/protocol/keys/scope.ts";
import { createApiKey } from "../../src/store/api-keys.ts";
import { type Case, casesOf, describeCase } from "./walk/cases.ts";
import { type Operation, orderOf } from "./walk/operations.ts";
import { neededThings } from "./walk/rules.ts";
import { allOf, casesOfAll, createStage, type Stage } from "./walk/stage.ts";
import type { Reply } from "./walk/walker.ts";
import { expectStatus, type Watch, watchOver } from "./walk/watch.ts";
import type { World } from "./walk/world.ts";

const patience = { timeout: 60_000 };

/** Every set of scopes, in the form in which a row has it, and one without any. */
const sets = [...Array(1 << scopes.length).keys()].map((bits) => scopes.filter((_scope, place) => bits & (1 << place)));

/** What does not go by its method: `GET` needs `read`, any other method `write`. */
const exceptions: Record<string, Scope | "write or admin" | null> = {
  "GET /v1/users/me": null,
  "GET /v1/users": "admin",
  "GET /v1/usage/users": "admin",
  "POST /v1/users": "admin",
  "GET /v1/users/{user_id}": "admin",
  "PATCH /v1/users/{user_id}": "admin",
  "DELETE /v1/users/{user_id}": "admin",
  "GET /v1/users/{user_id}/api-keys": "admin",
  "DELETE /v1/users/{user_id}/api-keys/{key_id}": "admin",
  "DELETE /v1/users/{user_id}/sessions": "admin",
  "GET /v1/server": "admin",
  "GET /v1/server/runs": "admin",
  "POST /v1/users/{user_id}/threads/{thread_id}/runs/{invocation_id}/cancel": "admin",
  "GET /v1/metrics": "admin",
  "POST /v1/threads": "run",
  "POST /v1/threads/{thread_id}/messages/{message_id}/regenerate": "run",
  "POST /v1/threads/{thread_id}/messages/{message_id}/regenerate/stream": "run",
  "POST /v1/threads/{thread_id}/messages/{message_id}/edit": "run",
  "POST /v1/threads/{thread_id}/messages/{message_id}/edit/stream": "run",
  "POST /v1/threads/{thread_id}/runs": "run",
  "POST /v1/threads/{thread_id}/runs/stream": "run",
  "POST /v1/threads/{thread_id}/runs/{invocation_id}/resume": "run",
  "POST /v1/threads/{thread_id}/runs/{invocation_id}/resume/stream": "run",
  "POST /v1/threads/{thread_id}/runs/{invocation_id}/cancel": "run",
  "PATCH /v1/threads/{thread_id}/tasks": "run",
  "POST /v1/threads/{thread_id}/checks/run": "run",
  "DELETE /v1/threads/{thread_id}/checks/run": "run",
  "PATCH /v1/threads/{thread_id}/inbox/{message_id}": "run",
  "DELETE /v1/threads/{thread_id}/inbox/{message_id}": "run",
  "POST /v1/triggers/{trigger_id}/run": "run",
  "POST /ag-ui": "run",
  "POST /ag-ui/{agent_id}": "run",
  "GET /v1/projects/{project_id}/sandbox/files": "run",
  "GET /v1/projects/{project_id}/sandbox/files/content": "run",
  "GET /v1/projects/{project_id}/sandbox/files/archive": "run",
  "POST /v1/projects/{project_id}/sandbox/files/ticket": "run",
  "POST /v1/threads/{thread_id}/events/ticket": "read",
  "POST /v1/threads/{thread_id}/runs/{invocation_id}/events/ticket": "read",
  "GET /v1/projects/{project_id}/sandbox/previews": "run",
  "GET /v1/webhooks": "write",
  "GET /v1/webhooks/{webhook_id}": "write",
  "GET /v1/api-keys/{key_id}/made": "write",
  "GET /v1/sessions": "write",
  "GET /v1/audit": "write or admin",
};

let stage: Stage;
let world: World;
let watch: Watch;
let keyed: Operation[];
/** The world's own keys, by their scopes. */
const keys = new Map<string, string>();

beforeAll(async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  stage = await createStage();
  keyed = stage.walker.operations.filter(({ isOpen }) => !isOpen);
  world = await stage.settle({ user_id: "user_scopes", mark: "scopescanary", suffix: "of-scopes", team_id: "TSCOPES" });
  for (const given of sets) {
    const key = await addKey(world.user_id, given);
    keys.set(String(given), key);
    await stage.walker.send({ method: "GET", path: "/v1/users/me" }, key);
  }
  watch = await watchOver(stage, world);
}, patience.timeout);
afterAll(() => vi.restoreAllMocks());

async function addKey(user_id: string, given: Scope[]): Promise<string> {
  const { key, stored } = await mintApiKey({ name: "scoped", made_by: null, scopes: given }, Date.now());
  await createApiKey(env.DB, user_id, stored);
  return key;
}

function isPermitted({ scope }: Operation, given: Scope[]): boolean {
  return scope === null || scope.split(" or ").some((one) => expandScopes(given).includes(one as Scope));
}

function isRefusedForScope({ status, text }: Reply): boolean {
  return status === 403 && text.includes("This needs an API key with the scope");
}

/** Bodies that are wrong, and ids of nothing: a key without the scope learns of neither. */
function spoiled(asked: Case): Case[] {
  const isJson = asked.headers["content-type"] === "application/json";
  return [asked, { ...asked, path: `${asked.path}${asked.path.includes("?") ? "&" : "?"}unknown=1` }].concat(
    isJson ? [{ ...asked, body: "{" }] : [],
  );
}

describe("the scope that an operation needs", patience, () => {
  it("is the one of its method, or one of these", () => {
    const usual = ({ method }: Operation) => (method === "GET" ? "read" : "write");
    const unusual = keyed.filter((operation) => operation.scope !== usual(operation));
    expect(Object.fromEntries(unusual.map(({ name, scope }) => [name, scope]))).toEqual(exceptions);
  });
});

describe("a key of each set of scopes", patience, () => {
  it("without the scope gets 403 with its name on every operation, before anything happens", async () => {
    for (const given of sets) {
      const key = keys.get(String(given)) ?? "";
      for (const operation of keyed.filter((each) => !isPermitted(each, given))) {
        for (const asked of casesOf(operation, allOf(world.things.quiet)).flatMap(spoiled)) {
          const reply = await stage.walker.ask(asked, key);
          expectStatus(asked, reply, [403]);
          expect([describeCase(asked), reply.body]).toEqual([
            describeCase(asked),
            expect.objectContaining({
              code: "forbidden",
              detail: expect.stringContaining(`with the scope \`${operation.scope?.replace(" or ", "` or `")}\`.`),
            }),
          ]);
        }
        if (operation.method !== "GET") continue;
        const [asked] = casesOf(operation, allOf(world.things.quiet));
        if (asked) expect((await stage.walker.send({ ...asked, method: "HEAD" }, key)).status).toBe(403);
      }
    }
    await watch.expectUnchanged();
  });

  it("with the scope is never refused for it", async () => {
    for (const [place, given] of sets.filter(({ length }) => length <= 1).entries()) {
      // A user of its own, who has nothing, so that keys of other sets find everything unchanged.
      const user_id = `user_scoped_${place}`;
      const permitted = keyed.filter((operation) => isPermitted(operation, given));
      // An admin changes accounts, and must not change the world's.
      const account = `user_changed_${place}`;
      await stage.admit(account);
      for (const asked of casesOfAll(permitted, { ...world.things.quiet, user_id: account })) {
        const key = await addKey(user_id, given);
        const reply = await stage.walker.ask(asked, key);
        expect([describeCase(asked), isRefusedForScope(reply)]).toEqual([describeCase(asked), false]);
      }
    }
  });

  it("says at /v1/users/me exactly what it may do", async () => {
    for (const given of sets) {
      const reply = await stage.walker.send({ method: "GET", path: "/v1/users/me" }, keys.get(String(given)) ?? "");
      expect(reply.body.scopes).toEqual(expandScopes(given));
    }
  });
});

describe("routes that stand for a key", patience, () => {
  it("start an installation in Slack only with a key that may write", async () => {
    const [install] = stage.walker.operations.filter(({ path }) => path === "/integrations/slack/install");
    for (const given of sets) {
      const reply = await stage.walker.send(
        { method: "GET", path: install?.path ?? "" },
        keys.get(String(given)) ?? "",
      );
      const isAllowed = expandScopes(given).includes("write");
      expect([given, isRefusedForScope(reply)]).toEqual([given, !isAllowed]);
    }
  });

  it("do no more for a ticket than its key may, also where the key's scopes were taken away since", async () => {
    const { project_id, file } = world.things.quiet;
    const key = await addKey(world.user_id, ["run"]);
    const path = `/v1/projects/${project_id}/sandbox/files/ticket`;
    const body = { path: file };
    const headers = { "content-type": "application/json" };
    const ask = async () => {
      const { pathname, search } = new URL(
        String((await stage.walker.send({ method: "POST", path, body, headers }, key)).body.url),
      );
      return { method: "GET", path: `${pathname}${search}` };
    };
    const [first, second] = [await ask(), await ask()];
    expect((await stage.walker.send(first, null)).text).toContain(world.mark);
    const key_id = (await stage.walker.send({ method: "GET", path: "/v1/users/me" }, key)).body.key_id;
    await env.DB.prepare(`UPDATE api_keys SET scopes = '["read"]' WHERE key_id = ?`).bind(key_id).run();
    expect(isRefusedForScope(await stage.walker.send(second, null))).toBe(true);
  });
});

describe("whoever owns the things", patience, () => {
  it("is answered on every operation by a key of exactly the scope that it names", async () => {
    for (const operation of keyed.toSorted((one, other) => orderOf(one) - orderOf(other))) {
      const { path, scope } = operation;
      if (scope === "admin") continue;
      const things = neededThings(path);
      const key = keys.get(scope?.split(" or ")[0] ?? "") ?? "";
      for (const asked of casesOf(operation, allOf(world.things[things]))) {
        // What is deleted is gone.
        if (asked.isBare && operation.method === "DELETE") continue;
        expectStatus(asked, await stage.walker.ask(asked, key), [200, 201, 202, 204, 409]);
      }
    }
  });
});
