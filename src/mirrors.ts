// Lists the mirrors, which show runs on other platforms: one line each. A thread's place names its mirror by `kind`.
import type { RunMirror } from "./agent/mirror.ts";
import type { Config } from "./config.ts";
import { createSlackMirror } from "./slack/mirror.ts";
import { openSlackWorkspace } from "./slack/workspaces.ts";

export function createMirrors({ slack, encryption_keys }: Config, database: D1Database): RunMirror[] {
  const slackPorts = { database, slack, encryption_keys };
  return [createSlackMirror((user_id, team_id) => openSlackWorkspace(slackPorts, team_id, user_id))];
}
