// The stored followers: the place where the thread is shown, and the progress of each run that is not completely shown
// yet. Only the mirror of a place knows the content of `place`, `shown` and a question.
import { isRecord } from "../../lib/is-record.ts";
import type { MirrorPlace } from "../../protocol/mirror.ts";
import { isNumber, isText, readStored, type Shape, shapeOf } from "../../store/shapes/stored.ts";
import { readMeta, type Sql, writeMeta } from "../rows/database.ts";
import { hasTable } from "../rows/tables.ts";

/** The mirror's reference to a question, and the run that asked it. */
export interface AskedQuestion {
  invocation_id: string;
}

export interface FollowerRow {
  invocation_id: string;
  place: MirrorPlace;
  shown: unknown;
  /** The former run's question. Null if the mirror has nothing to do about it. */
  asked: AskedQuestion | null;
  /** When the next life or alarm resumes it. Null means at once. */
  retry_at: number | null;
  /** Whether all of the run's text is shown. */
  is_said?: boolean;
  /** How often it failed for reasons other than its platform's. */
  failures: number;
}

const PLACE = "follow";
const ASKED = "asked";

/** Where this thread's runs are shown. Null if nothing follows the thread. */
export function readPlace(sql: Sql): MirrorPlace | null {
  return readMeta(sql, PLACE, shapeOf(isPlace));
}

/** Inside a transaction. */
export function writePlace(sql: Sql, place: MirrorPlace): void {
  writeMeta(sql, PLACE, place);
}

/** The question that the thread's last run asked there. Null if it asked none, or another run came since. */
export function readAsked(sql: Sql): AskedQuestion | null {
  return readMeta(sql, ASKED, toAsked);
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

/** The followers of runs that are not completely shown, in the order of the runs. One that can't be read is left out. */
export function readFollowers(sql: Sql): FollowerRow[] {
  if (!hasTable(sql, "followers")) return [];
  return sql
    .exec<{ invocation_id: string; state: string }>(
      "SELECT invocation_id, state FROM followers LEFT JOIN runs USING (invocation_id) ORDER BY position",
    )
    .toArray()
    .flatMap(({ invocation_id, state }) => {
      const read = readStored(shapeOf(isState), state, "follower", invocation_id);
      return read === undefined ? [] : [{ invocation_id, ...read }];
    });
}

type State = Omit<FollowerRow, "invocation_id">;

function isState(value: unknown): value is State {
  if (!isRecord(value) || !isPlace(value.place) || value.shown === undefined) return false;
  if (toAsked(value.asked) === undefined || !isNumber(value.failures)) return false;
  return value.retry_at === null || isNumber(value.retry_at);
}

function isPlace(value: unknown): value is MirrorPlace {
  return isRecord(value) && isText(value.kind);
}

const toAsked: Shape<AskedQuestion | null> = (value) => (value === null || isAsked(value) ? value : undefined);

function isAsked(value: unknown): value is AskedQuestion {
  return isRecord(value) && isText(value.invocation_id);
}

export interface Follower {
  row: FollowerRow;
  /** Whether this life works on it. */
  isActive: boolean;
  /** Called when its run is over. */
  onEnd: () => void;
}

export function followerOf(row: FollowerRow): Follower {
  return { row, isActive: false, onEnd: () => {} };
}
