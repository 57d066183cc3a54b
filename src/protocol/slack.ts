// Slack's workspaces, and the Slack thread that a thread is bound to.
import type { MirrorPlace } from "./mirror.ts";

/** Where a thread's runs are shown. Ids are Slack's. */
export interface SlackPlace extends MirrorPlace {
  kind: "slack";
  team_id: string;
  channel: string;
  /** The message that began the Slack thread. */
  thread_ts: string;
  /** The person whose message the run answers. Slack requires both ids to stream text into a channel. */
  recipient_user_id: string;
  recipient_team_id: string;
  /**
   * The newest known message of the Slack thread. Later messages of the bot belong to a run that is still being shown.
   */
  newest_ts: string;
  /** The origin of this server's web page, without a trailing slash. */
  origin: string;
}

/** A workspace where the app is installed, and the account it uses. Its token is stored elsewhere. */
export interface SlackWorkspace {
  user_id: string;
  team_id: string;
  team_name: string | null;
  bot_user_id: string;
  agent_id: string | null;
  project_id: string | null;
  created_at: string;
  updated_at: string;
  /** The id of the key that connected it; null if that is not known. */
  made_by: string | null;
}
