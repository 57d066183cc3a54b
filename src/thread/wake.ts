// Starts a life: rebuilds it from SQLite, and prepares what a former life left.
import { newId } from "../protocol/ids.ts";
import type { Plan } from "../protocol/plan/task.ts";
import { isTerminal } from "../protocol/run.ts";
import { readCheckRun } from "./checks/check-run-row.ts";
import { followerOf, readAsked, readFollowers, readPlace } from "./follow/follower-rows.ts";
import { noteInputs } from "./inbox/admission.ts";
import { hasSteered } from "./inbox/steering.ts";
import { type Life, type Platform, storeRun, transact } from "./life.ts";
import { newMemory } from "./memory/thread-memory.ts";
import { Outbox } from "./outbox.ts";
import type { Ports } from "./ports.ts";
import { notePresence } from "./presence/leave.ts";
import { readWatched } from "./presence/watched.ts";
import { type Database, readingMeta } from "./rows/database.ts";
import { readEnvironmentNotes } from "./rows/environment-notes.ts";
import { readJobs } from "./rows/job-times.ts";
import { emptyPlan, readPlan } from "./rows/messages.ts";
import { readProject } from "./rows/project-checks.ts";
import { readPosition } from "./rows/shapes/position.ts";
import { ThreadState } from "./rows/state.ts";
import { hasOtherFormat, readRemoval, readStoredThread, type StoredThread } from "./rows/stored-thread.ts";
import { hasTables } from "./rows/tables.ts";
import { readWakingRuns, type WakingRuns } from "./rows/waking-runs.ts";
import { CallTimes } from "./run/call-times.ts";
import { countLife } from "./run/run-start.ts";
import { schedule } from "./scheduler.ts";
import { Journal } from "./stream/journal/journal.ts";
import { Readers } from "./stream/readers.ts";
import { checkReaders, trimMemory, watchIdle } from "./stream/streams.ts";
import { endFormerStreams, noteAlive } from "./stream/streams-here.ts";
import { readSuperseded } from "./supersede/marks.ts";

/** What an object finds if another version has stored its data. */
export const OTHER_FORMAT = "other_format";

/** The life of the stored thread. Null if there is none, and then nothing is written. */
export function wakeLife(database: Database, ports: Ports, platform: Platform): Life | typeof OTHER_FORMAT | null {
  const { sql } = database;
  if (!hasTables(sql)) return null;
  const life = readingMeta(sql, false, () => {
    if (hasOtherFormat(sql)) return OTHER_FORMAT;
    if (readRemoval(database) !== null) return null;
    const stored = readStoredThread(sql);
    if (stored === null) return null;
    return openLife(database, ports, platform, stored, {
      ...readWakingRuns(sql, readPosition(sql)),
      hasSteered: hasSteered(sql),
      followers: new Map(readFollowers(sql).map((row) => [row.invocation_id, followerOf(row)])),
      plan: readPlan(sql),
    });
  });
  if (life === null || life === OTHER_FORMAT) return life;
  adoptRun(life);
  noteInputs(life);
  return life;
}

/** The first life of a thread that was stored a moment ago, so that there is nothing to read. */
export function beginLife(database: Database, ports: Ports, platform: Platform, stored: StoredThread): Life {
  const nothing = { changed: [], newestStarted: null, lastPosition: 0, hasSteered: false, plan: emptyPlan };
  return readingMeta(database.sql, true, () =>
    openLife(database, ports, platform, stored, { ...nothing, live: new Map(), followers: new Map() }),
  );
}

/** What the rows say. */
type StoredLife = Pick<Life, "hasSteered" | "followers"> & WakingRuns & { plan: Plan };

function openLife(
  database: Database,
  ports: Ports,
  platform: Platform,
  stored: StoredThread,
  { plan, changed, ...read }: StoredLife,
): Life {
  endFormerStreams(stored.thread);
  const journal = new Journal(database);
  const superseded = readSuperseded(database.sql);
  const life: Life = {
    instance_id: newId("inst"),
    database,
    ports,
    platform,
    journal,
    readers: new Readers(journal, ports.clock),
    state: new ThreadState(database.sql, plan),
    outbox: new Outbox(database, ports, stored, { live: read.live, changed }, () => journal.newest, superseded),
    superseded,
    environment: readEnvironmentNotes(database.sql),
    project: readProject(database.sql),
    memory: newMemory(),
    stored,
    thread: stored.thread,
    ...read,
    active: null,
    checked: readCheckRun(database.sql),
    checking: null,
    begun: null,
    held: null,
    accepting: Promise.resolve(),
    arriving: 0,
    sandbox: null,
    openSteps: new Set(),
    callTimes: new CallTimes(),
    waiters: new Map(),
    alarmAt: null,
    jobs: readJobs(database.sql, read.live, ports.clock.now()),
    place: readPlace(database.sql),
    asked: readAsked(database.sql),
    onFollowerWaits: () => {},
    watched: readWatched(database.sql, read.live, ports.clock.now()),
    cancelProbe: null,
    cancelIdle: null,
    cancelPlanSync: null,
    bornAt: ports.clock.now(),
    errors: [],
    removing: false,
    removed: false,
  };
  life.readers.onProgress = () => {
    trimMemory(life);
    if (life.readers.count === 0) watchIdle(life);
  };
  life.readers.onPing = () => {
    noteAlive(life.thread, life.ports.clock.now());
    checkReaders(life);
  };
  life.readers.onCome = () => notePresence(life, null);
  life.readers.onLeave = (run) => notePresence(life, { run });
  life.outbox.onFailure = () => platform.waitUntil(schedule(life));
  life.onFollowerWaits = () => platform.waitUntil(schedule(life));
  life.outbox.onPlanChange = () => syncPlanSoon(life);
  return life;
}

// Long enough to gather the changes of a step, short enough for receivers of task events.
const PLAN_SYNC_DELAY_MS = 1_000;

/** Syncs to D1 once for all plan changes within a second. */
function syncPlanSoon(life: Life): void {
  life.cancelPlanSync ??= life.ports.clock.setTimer(() => {
    life.cancelPlanSync = null;
    if (life.outbox.isDue) life.platform.waitUntil(life.outbox.sync());
  }, PLAN_SYNC_DELAY_MS);
}

/** Before any reader comes: prepares the run that a former life left unfinished. */
function adoptRun(life: Life): void {
  const [record] = life.live.values();
  if (record === undefined) return;
  if (record.end_seq !== null) life.journal.hold(record.end_seq);
  requestEndOfReplaced(life);
  const isRunning = record.run.status === "running";
  if (isRunning || (record.run.status === "queued" && record.startable)) {
    transact(life, () => {
      if (isRunning) life.journal.voidFormerLife(record.run.invocation_id);
      // The former life should have ended or started it and did not. Counted before anything else of the run is done,
      // since that may be what ends each life.
      countLife(life, record);
      storeRun(life, record);
    });
  }
  if (!isRunning) return;
  // STEP_STARTED of these tasks is stored: a reader has it, or gets it in a resync.
  for (const task of life.state.plan.tasks) if (task.status === "in_progress") life.openSteps.add(task.id);
}

/** For a former life that ended after it accepted a replacing run and before it ended the runs before that one. */
function requestEndOfReplaced(life: Life): void {
  const runs = [...life.live.values()];
  const place = runs.findLastIndex(({ run, input }) => run.status === "queued" && input?.on_busy === "replace");
  const spared = runs
    .slice(0, Math.max(0, place))
    .filter(({ run, requested_end }) => !isTerminal(run.status) && !requested_end);
  if (spared.length === 0) return;
  transact(life, () => {
    for (const record of spared) {
      record.requested_end = { status: "cancelled" };
      storeRun(life, record);
    }
  });
}
