// Ids, cursors and tickets of another user in places where they do not belong, and users who have the same ids.
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type Case, describeCase } from "./walk/cases.ts";
import type { Kind } from "./walk/names.ts";
import { type Operation, orderOf } from "./walk/operations.ts";
import { adminOperations } from "./walk/rules.ts";
import { allOf, casesOfAll, createStage, pairsOfAll, type Stage } from "./walk/stage.ts";
import { expectStatus, type Watch, watchOver } from "./walk/watch.ts";
import type { World } from "./walk/world.ts";

/** For a busy machine: all of it takes ten seconds on an idle one. */
const patience = { timeout: 60_000 };

let stage: Stage;
let alpha: World;
let newcomer: string;
let watch: Watch;
let keyed: Operation[];

beforeAll(async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  stage = await createStage();
  keyed = stage.walker.operations.filter(({ isOpen }) => !isOpen);
  const mark = "alphacanary";
  // Another id than in other files, which share the server of sandboxes.
  alpha = await stage.settle({ user_id: "user_with_odd_ids", mark, suffix: "of-alpha", team_id: "TOFALPHA" });
  newcomer = await stage.admit("user_newcomer");
  watch = await watchOver(stage, alpha);
}, patience.timeout);
afterEach(() => watch.expectUnchanged(), patience.timeout);
afterAll(() => vi.restoreAllMocks());

/** An id may be refused for its form. An admin's operation is refused before it looks at one. */
const absentFor = ({ operation }: Case) => (operation.name in adminOperations ? [403] : [400, 404]);

/** The cases of an operation in which one parameter of its path is replaced. */
function casesWithId({ operation, path, ...rest }: Case, name: string, id: string): Case {
  const template = operation.path.split("/");
  const parts = path.split("?")[0]?.split("/") ?? [];
  const replaced = parts.map((part, place) => (template[place] === `{${name}}` ? id : part)).join("/");
  const [, query] = path.split("?");
  return { ...rest, operation, path: query === undefined ? replaced : `${replaced}?${query}` };
}

describe("an id of another user", patience, () => {
  const kinds: Kind[] = [
    ...([
      "user_id",
      "key_id",
      "session_id",
      "project_id",
      "thread_id",
      "invocation_id",
      "message_id",
      "interrupt_id",
    ] as const),
    ...(["section_id", "agent_id", "trigger_id", "webhook_id", "delivery_id", "team_id", "host"] as const),
  ];

  it("is nothing as the id of another kind", async () => {
    for (const asked of casesOfAll(keyed, alpha.things.quiet)) {
      for (const own of asked.named.filter(({ place }) => place === "path")) {
        if (isChosen(asked.operation, own.name)) continue;
        for (const kind of kinds.filter((kind) => kind !== own.kind)) {
          const value = alpha.things.quiet[kind];
          const swapped = casesWithId({ ...asked, named: [...asked.named, { ...own, value }] }, own.name, value);
          expectStatus(swapped, await watch.ask(swapped, newcomer), absentFor(asked));
        }
      }
    }
  });

  it("is nothing in other letters, with other characters, or behind encoded slashes", async () => {
    const { user_id } = alpha;
    const forms: ((id: string) => string)[] = [
      (id) => id.toUpperCase(),
      (id) => `${id}%00`,
      (id) => `%20${id}`,
      (id) => `${id}%E2%80%8B`,
      (id) => `${id.slice(0, -1)}%EF%BD%81`,
      (id) => `${id}%C3`,
      (id) => `x%2F..%2F${id}`,
      (id) => `..%2F${user_id}%2F${id}`,
      (id) => `${user_id}%2F${id}`,
      (id) => `%252e%252e%252f${id}`,
      (id) => `${id}%3Fuser_id=${user_id}`,
    ];
    for (const asked of casesOfAll(keyed, alpha.things.quiet)) {
      for (const { place, name, value } of asked.named) {
        if (place !== "path") continue;
        for (const form of forms) {
          const odd = casesWithId(asked, name, form(value));
          const isOwn = isChosen(asked.operation, name) && form(value) === value.toUpperCase();
          if (!isOwn) expectStatus(odd, await watch.ask(odd, newcomer), absentFor(asked));
        }
      }
    }
  });

  it("is not the same in other letters for its own user either", async () => {
    const reads = keyed.filter(({ method, path }) => method === "GET" && path.includes("{"));
    for (const asked of casesOfAll(reads, alpha.things.quiet)) {
      if (asked.operation.name in adminOperations) continue;
      const [first] = asked.named.filter(({ place, name }) => place === "path" && name !== "host");
      if (first === undefined) continue;
      const odd = casesWithId(asked, first.name, first.value.toUpperCase());
      const reply = await stage.walker.ask(odd, alpha.key);
      if (first.value !== first.value.toUpperCase()) expectStatus(odd, reply, [404]);
    }
  });
});

/** The operations whose path may name what does not exist yet. */
function isChosen({ name }: Operation, parameter: string): boolean {
  return /^POST \/v1\/threads\/\{thread_id\}\/runs(\/stream)?$/.test(name) && parameter === "thread_id";
}

describe("a cursor of another user's list", patience, () => {
  it("leads to nothing of that list, for every list", async () => {
    const isOwn = ({ name }: Operation) => !(name in adminOperations);
    const lists = keyed.filter((of) => isOwn(of) && of.parameters.some(({ name }) => name === "cursor"));
    for (const asked of casesOfAll(lists, alpha.things.quiet).filter(({ isBare }) => !isBare)) {
      const page = (more: string) => ({ ...asked, path: `${asked.path.replace("limit=200", "limit=1")}${more}` });
      const { next_cursor } = (await stage.walker.ask(page(""), alpha.key)).body;
      // A list has a second page if world.ts makes two of what it lists.
      expect([asked.operation.name, next_cursor]).toEqual([asked.operation.name, expect.any(String)]);
      const next = page(`&cursor=${next_cursor}`);
      const reply = await watch.ask(next, newcomer);
      expectStatus(next, reply, [asked.named.length > 0 ? 404 : 200]);
      expect(reply.body.next_cursor ?? null).toBeNull();
    }
  });
});

describe("a ticket", patience, () => {
  const address = async (method: string, path: string, body?: unknown, key: string | null = alpha.key) => {
    const headers = { "content-type": "application/json" };
    return await stage.walker.send({ method, path, headers, ...(body === undefined ? {} : { body }) }, key);
  };
  const ticketIn = (url: unknown) => new URL(String(url)).searchParams.get("ticket") ?? "";
  const path = () => `/v1/projects/${alpha.things.quiet.project_id}/sandbox`;

  /** How each is issued. */
  const issue: Record<string, () => Promise<string>> = {
    terminal: async () => ticketIn((await address("POST", `${path()}/terminal`, {})).body.url),
    download: async () =>
      ticketIn((await address("POST", `${path()}/files/ticket`, { path: alpha.things.quiet.file })).body.url),
    install: async () => ticketIn((await address("POST", "/v1/slack/install", {})).body.url),
    state: async () => {
      const left = await address(
        "GET",
        `/integrations/slack/install?ticket=${await issue.install?.()}`,
        undefined,
        null,
      );
      return new URL(left.headers.get("location") ?? "").searchParams.get("state") ?? "";
    },
  };

  /** Where each is used. */
  const use: Record<string, (ticket: string) => { path: string; headers?: Record<string, string> }> = {
    terminal: (ticket) => ({ path: `/v1/terminal?ticket=${ticket}`, headers: { upgrade: "websocket" } }),
    download: (ticket) => ({ path: `/v1/download?ticket=${ticket}` }),
    install: (ticket) => ({ path: `/integrations/slack/install?ticket=${ticket}` }),
    state: (ticket) => ({
      path: `/integrations/slack/callback?code=c&state=${ticket}`,
      headers: { cookie: "taskloom_slack=x; __Host-taskloom_slack=x" },
    }),
  };

  it("opens nothing but what it is for, and nothing after it was tried elsewhere", async () => {
    for (const [purpose, makeTicket] of Object.entries(issue)) {
      for (const [other, open] of Object.entries(use)) {
        if (other === purpose) continue;
        const ticket = await makeTicket();
        expect([purpose, ticket]).toEqual([purpose, expect.stringMatching(/^[\da-f]{64}$/)]);
        for (const tried of [other, purpose]) {
          const reply = await stage.walker.send({ method: "GET", ...use[tried]?.(ticket) } as never, null);
          watch.check(reply, { named: [] }, `${purpose} as ${tried}`);
          expect([purpose, tried, reply.status]).toEqual([purpose, tried, 401]);
        }
        expect(open).toBeTypeOf("function");
      }
    }
  });

  it("is no key, on any operation, and a key is no ticket", async () => {
    const tickets = await Promise.all(Object.values(issue).map((make) => make()));
    for (const asked of casesOfAll(keyed, alpha.things.quiet)) {
      for (const ticket of tickets) expectStatus(asked, await watch.ask(asked, ticket), [401]);
    }
    for (const open of Object.values(use)) {
      for (const wrong of [alpha.key, alpha.things.quiet.key_id, alpha.things.quiet.project_id]) {
        const reply = await stage.walker.send({ method: "GET", ...open(wrong) }, null);
        expect([open(wrong).path, reply.status]).toEqual([open(wrong).path, 401]);
      }
    }
  });

  it("opens once what it is for, without a key", async () => {
    const ticket = (await issue.download?.()) ?? "";
    const open = () => stage.walker.send({ method: "GET", path: `/v1/download?ticket=${ticket}` }, null);
    expect((await open()).text).toContain(alpha.mark);
    expect((await open()).status).toBe(401);
  });
});

describe("a user who has the same ids", patience, () => {
  const settleTwin = (user_id: string, team_id: string) =>
    stage.settle({ user_id, mark: "twincanary", suffix: alpha.suffix, team_id });

  it("has things of its own on every operation, down to the sandbox", async () => {
    const twin = await settleTwin("user_with_same_ids", "TTWIN");
    const same = twin.things.quiet.project_id === alpha.things.quiet.project_id;
    expect([same, twin.things.quiet.trigger_id === alpha.things.quiet.trigger_id]).toEqual([true, false]);
    const pairs = pairsOfAll(keyed, alpha, (_things, of) => allOf(twin.things[of]));
    const inOrder = pairs.sort((one, two) => orderOf(one.asked.operation) - orderOf(two.asked.operation));
    for (const { asked, other: own } of inOrder) {
      const reply = await watch.ask(asked, twin.key, "made");
      const isOwn = describeCase(asked) === describeCase(own);
      const { method, name, statuses } = asked.operation;
      const read = [name in adminOperations ? 403 : isOwn ? 200 : 404];
      const changed = statuses.filter((status) => status < 500);
      expectStatus(asked, reply, method === "GET" ? read : changed);
    }
  });

  it("reads only its own events, whatever number it continues after", async () => {
    const twin = await settleTwin("user_with_same_ids_too", "TTWINTWO");
    const streams = keyed.filter(({ method, isStream }) => method === "GET" && isStream);
    for (const asked of casesOfAll(streams, twin.things.quiet)) {
      for (const number of [0, 1, 5, 40, 80, 10_000]) {
        const from = { ...asked, headers: { ...asked.headers, "last-event-id": String(number) } };
        expectStatus(from, await watch.ask(from, twin.key, "made"), [200]);
      }
    }
  });
});
