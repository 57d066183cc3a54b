// Slack: its workspaces, and which of its threads a thread of ours is bound to.
import type { MirrorPlace } from "./mirror.ts";

/** Where a thread's runs are shown. Ids are Slack's. */
export interface SlackPlace extends MirrorPlace {
  kind: "slack";
  team_id: string;
  channel: string;
  /** The message that began Slack's thread. */
  thread_ts: string;
  /** The person whose message is answered; Slack asks for both where a text is streamed into a channel. */
  recipient_user_id: string;
  recipient_team_id: string;
  /** The newest message of Slack's thread that is known of: what the bot wrote after it is a run's that is still being shown. */
  newest_ts: string;
  /** Where people open this server's web page, without a slash at its end. */
  origin: string;
}

/** A workspace where the app is installed, and whose account it uses. Its token is not here. */
export interface SlackWorkspace {
  user_id: string;
  team_id: string;
  team_name: string | null;
  bot_user_id: string;
  agent_id: string | null;
  project_id: string | null;
  created_at: string;
  updated_at: string;
}
