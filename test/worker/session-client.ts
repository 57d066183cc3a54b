// A user of each test's own, with a key and as many sessions as the test wants.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, vi } from "vitest";
import type { Scope } from "../../src/protocol/keys/scope.ts";
import { type MadeSession, makeSession, ofPage } from "../fakes/session.ts";
import { type Answer, type Client, createClient } from "./http-client.ts";

export interface Browser extends MadeSession {
  headers: Record<string, string>;
  /** As a page of the server asks. */
  send(method: string, path: string, body?: unknown, own?: Record<string, string>): Promise<Answer>;
}

export interface SessionScene {
  user_id: string;
  /** Distinguishes the tests of a file. */
  count: number;
  client: Client;
  /** With a key of the user. */
  owner: Client;
  signIn(given?: { scopes?: Scope[] | null; now?: number; lasts_ms?: number; user_agent?: string }): Promise<Browser>;
}

/** Filled anew for each test of a file that calls this. `name` distinguishes the files' users. */
export function setSessionScene(name: string): SessionScene {
  const scene = { count: 0 } as SessionScene;
  scene.signIn = async (given = {}) => {
    const session = await makeSession(env.DB, { user_id: scene.user_id, ...given });
    const headers = ofPage(session.token);
    const { client } = scene;
    const send: Browser["send"] = (method, path, body, own = {}) =>
      client.as(null).send(method, path, body, { ...headers, ...own });
    return { ...session, headers, send };
  };
  beforeEach(async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    scene.count += 1;
    scene.user_id = `user_${name}_${scene.count}`;
    scene.client = createClient({ ENCRYPTION_KEY: "key of the tests" });
    scene.owner = await scene.client.addUser(scene.user_id);
  });
  afterEach(() => vi.restoreAllMocks());
  return scene;
}
