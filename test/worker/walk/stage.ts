// The app with a Slack whose Web API a test sets, and users who live in it.
import type { Env } from "../../../src/config.ts";
import { ADMIN_KEY } from "../http-client.ts";
import { createSlackClient, type SlackClient } from "../slack-client.ts";
import { type Case, type Choose, casesOf, describeCase } from "./cases.ts";
import type { Things } from "./names.ts";
import type { Operation } from "./operations.ts";
import { createWalker, type Walker } from "./walker.ts";
import { makeWorld, type Person, type World } from "./world.ts";

export interface Stage {
  walker: Walker;
  slack: SlackClient;
  /** A user who has everything. */
  settle(person: Person): Promise<World>;
  /** A user who has nothing; returns the key. */
  admit(user_id: string): Promise<string>;
}

/** Jobs are not delivered, so nothing changes behind the walk. */
const jobs = { send: async () => {}, sendBatch: async () => {} } as unknown as Queue<unknown>;

/** `more` are bindings of the app that is asked. */
export async function createStage(more: Partial<Env> = {}): Promise<Stage> {
  let settings: Partial<Env> = {};
  // Receivers of webhooks are at loopback addresses.
  const slack = createSlackClient({ ALLOW_PRIVATE_URLS: "1", JOBS: jobs }, (bindings) => {
    settings = bindings;
    return bindings;
  });
  const walker = await createWalker({ ...settings, ...more });
  return {
    walker,
    slack,
    settle: (person) => makeWorld(walker, slack, person),
    async admit(user_id) {
      const made = await walker.send({ method: "POST", path: "/v1/users", body: { user_id } }, ADMIN_KEY);
      return String(made.body.api_key);
    },
  };
}

/** Names the things of one user everywhere. */
export function allOf(things: Things): Choose {
  return ({ kind }) => things[kind];
}

/** One case for each body of each operation. */
export function casesOfAll(operations: Operation[], things: Things): Case[] {
  return operations.flatMap((operation) => casesOf(operation, allOf(things)));
}

export interface Pair {
  asked: Case;
  /** The same request with other things. */
  other: Case;
  /** The things of which the request names some. */
  things: Things;
}

/** The same for each thread of a user, without repeating what names no thread. `choose` says what the others name. */
export function pairsOfAll(
  operations: Operation[],
  { things }: World,
  choose: (things: Things, of: Thread) => Choose,
): Pair[] {
  const pairs = new Map<string, Pair>();
  for (const of of ["quiet", "asking", "live"] as const) {
    for (const operation of operations) {
      const others = casesOf(operation, choose(things[of], of));
      for (const [place, asked] of casesOf(operation, allOf(things[of])).entries()) {
        const [name, other] = [`${describeCase(asked)} ${place}`, others[place]];
        if (other !== undefined && !pairs.has(name)) pairs.set(name, { asked, other, things: things[of] });
      }
    }
  }
  return [...pairs.values()];
}

type Thread = keyof World["things"];

/** Names nothing that exists, in the same form. */
export function nothingLike(things: Things): Choose {
  return ({ kind }) => {
    if (kind === "port") return "3999";
    if (kind === "version") return "9";
    return things[kind].replace(/[a-z\d]{3}(?=\.|$)/i, "xyz");
  };
}
