// What is stored of followers: where the thread is shown, and for each run that is not wholly shown yet, how far it is. Only
// the mirror of its place knows what stands in `place`, `shown` and a question.
import type { MirrorPlace } from "../../protocol/mirror.ts";
import { readMeta, type Sql, writeMeta } from "../rows/database.ts";

/** What the mirror finds a question by, and the run that asked it. */
export interface AskedQuestion {
  invocation_id: string;
}

export interface FollowerRow {
  invocation_id: string;
  place: MirrorPlace;
  shown: unknown;
  /** The question of the run before; null where nothing is to be done about it. */
  asked: AskedQuestion | null;
  /** When the next life or alarm takes it up; null is at once. */
  retry_at: number | null;
  /** Whether all that its run says is shown. */
  is_said?: boolean;
  /** How often it failed for other reasons than its platform's. */
  failures: number;
}

const PLACE = "follow";
/** A name from when there was one mirror. */
const ASKED = "asked_in_slack";

/** Where this thread's runs are shown; null where nobody follows. */
export function readPlace(sql: Sql): MirrorPlace | null {
  return readMeta<MirrorPlace>(sql, PLACE);
}

/** Inside a transaction. */
export function writePlace(sql: Sql, place: MirrorPlace): void {
  writeMeta(sql, PLACE, place);
}

/** What the thread's last run asked there; null where it asked nothing, or a run has begun since. */
export function readAsked(sql: Sql): AskedQuestion | null {
  return readMeta<AskedQuestion>(sql, ASKED);
}

/** Inside a transaction. */
export function writeAsked(sql: Sql, asked: AskedQuestion | null): void {
  writeMeta(sql, ASKED, asked);
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
    .map(({ invocation_id, state }) => toRow(invocation_id, state));
}

/** Rows of every former version have a place and what is shown there. */
function toRow(invocation_id: string, state: string): FollowerRow {
  const { place, shown, asked, retry_at, is_said, failures } = JSON.parse(state) as Pick<
    FollowerRow,
    "place" | "shown"
  > &
    Partial<FollowerRow>;
  return {
    ...{ invocation_id, place, asked: asked ?? null, shown, retry_at: retry_at ?? null, failures: failures ?? 0 },
    ...(is_said === undefined ? {} : { is_said }),
  };
}

export interface Follower {
  row: FollowerRow;
  /** Whether this life is at it. */
  isActive: boolean;
  /** Called when its run is over. */
  onEnd: () => void;
}

export function followerOf(row: FollowerRow): Follower {
  return { row, isActive: false, onEnd: () => {} };
}
