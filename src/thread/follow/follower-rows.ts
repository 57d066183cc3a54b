// What is stored of followers: where the thread is shown, and for each run that is not wholly shown yet, how far it is.
import type { SlackPlace } from "../../protocol/slack.ts";
import { nothingShown, type Shown } from "../../slack/show/shown.ts";
import { readMeta, type Sql, writeMeta } from "../rows/database.ts";

/** A message with buttons whose run has asked something. */
export interface AskedInSlack {
  ts: string;
  invocation_id: string;
}

export interface FollowerRow {
  invocation_id: string;
  place: SlackPlace;
  shown: Shown;
  /** The message that asks what the run before asked; null where nothing is to be done about it. */
  asked: AskedInSlack | null;
  /** When the next life or alarm takes it up; null is at once. */
  retry_at: number | null;
  /** Whether all that its run says is shown. */
  is_said?: boolean;
  /** How often it failed for other reasons than Slack's. */
  failures: number;
}

const PLACE = "follow";
const ASKED = "asked_in_slack";

/** Where this thread's runs are shown; null where nobody follows. */
export function readPlace(sql: Sql): SlackPlace | null {
  return readMeta<SlackPlace>(sql, PLACE);
}

/** Inside a transaction. */
export function writePlace(sql: Sql, place: SlackPlace): void {
  writeMeta(sql, PLACE, place);
}

/** What the thread's last run asked there; null where it asked nothing, or a run has begun since. */
export function readAsked(sql: Sql): AskedInSlack | null {
  return readMeta<AskedInSlack>(sql, ASKED);
}

/** Inside a transaction. */
export function writeAsked(sql: Sql, asked: AskedInSlack | null): void {
  writeMeta(sql, ASKED, asked);
}

export function newFollower(invocation_id: string, place: SlackPlace, asked: AskedInSlack | null): FollowerRow {
  return { invocation_id, place, asked, shown: nothingShown, retry_at: null, failures: 0 };
}

/** Inside a transaction. */
export function saveFollower(sql: Sql, row: FollowerRow): void {
  const { invocation_id, ...state } = row;
  sql.exec(
    "INSERT OR REPLACE INTO followers (invocation_id, state) VALUES (?, ?)",
    invocation_id,
    JSON.stringify(state),
  );
}

/** Inside a transaction. */
export function deleteFollower(sql: Sql, invocation_id: string): void {
  sql.exec("DELETE FROM followers WHERE invocation_id = ?", invocation_id);
}

/** Those whose runs are not wholly shown, in the order of the runs. */
export function readFollowers(sql: Sql): FollowerRow[] {
  return sql
    .exec<{ invocation_id: string; state: string }>(
      "SELECT invocation_id, state FROM followers LEFT JOIN runs USING (invocation_id) ORDER BY position",
    )
    .toArray()
    .map(({ invocation_id, state }) => ({
      invocation_id,
      ...(JSON.parse(state) as Omit<FollowerRow, "invocation_id">),
    }));
}

export interface Follower {
  row: FollowerRow;
  /** Whether this life is at it. */
  isActive: boolean;
}
