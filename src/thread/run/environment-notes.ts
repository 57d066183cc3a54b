// Tells the thread's model once where and when it works, so that it reads it neither twice nor in other words.
import { type Day, describeBeginning, describeLaterDay, type NetworkRules } from "../../agent/context/environment.ts";
import { dayIn, readTimeZone } from "../../lib/time-zone.ts";
import type { Life } from "../life.ts";
import { type EnvironmentNotes, writeEnvironmentNotes } from "../rows/environment-notes.ts";
import type { RunRecord } from "../rows/runs.ts";
import { findTurn } from "../supersede/turn.ts";

/** One a day. Only the last hundreds of days are ever read: summaries replace what is before them. */
const MAX_NOTES = 400;

/** Whether the run's message will be the first with a note. */
function isBeginning(life: Life, record: RunRecord): boolean {
  const { day, notes } = life.environment;
  const [first] = notes;
  if (day === null || first === undefined) return day === null;
  const { supersede } = record.input ?? {};
  const turn = supersede?.replaces === true ? findTurn(life.database.sql, supersede.message_id) : null;
  return turn?.ok === true && turn.value.seq <= first.seq;
}

/** Whether the agent has a tool that uses a sandbox. */
function usesSandbox(life: Life, { agent }: RunRecord): boolean {
  const { tools } = agent.config;
  return life.ports.tools.some(({ kind, name }) => kind === "work" && (tools === null || tools.includes(name)));
}

const NEW_PROJECT_MS = 1_000;

/**
 * What is known of the project's network without a question; undefined if its settings must be read. Only a thread's
 * first message tells it, to an agent that works in a sandbox. A project that was made with the thread a moment ago has
 * no settings yet, which saves most threads the read.
 */
export function knownNetwork(life: Life, record: RunRecord): NetworkRules | undefined {
  if (!isBeginning(life, record) || !usesSandbox(life, record)) return null;
  const { stored, thread, ports } = life;
  const made = stored.made_project;
  if (made !== null && ports.clock.now() - Date.parse(made.created_at) < NEW_PROJECT_MS) return {};
  return ports.knownNetwork(thread.user_id, record.agent.agent_id, thread.project_id);
}

/**
 * Tells the environment in front of a thread's first message, and the date in front of a later day's. `seq` is the row
 * of the run's first message. Inside a transaction.
 */
export function storeEnvironmentNote(life: Life, record: RunRecord, seq: number, network: NetworkRules): void {
  const known = life.environment;
  const time_zone = chooseZone(record.input?.time_zone, known.day?.time_zone);
  const day: Day = { ...dayIn(time_zone, life.ports.clock.now()), time_zone };
  if (known.day !== null && day.date <= known.day.date) return;
  const sandbox = usesSandbox(life, record) ? { network } : null;
  const text = known.day === null ? describeBeginning(day, sandbox) : describeLaterDay(day);
  const [first, ...others] = [...known.notes, { seq, text }];
  const notes = first === undefined ? [] : [first, ...others.slice(1 - MAX_NOTES)];
  store(life, { ...known, day: { date: day.date, time_zone }, notes });
}

/** A stored name is checked again: another runtime may not know it, and no run may fail for that. */
function chooseZone(...names: (string | undefined)[]): string {
  return names.map((name) => (name === undefined ? null : readTimeZone(name))).find((name) => name !== null) ?? "UTC";
}

/** Inside the transaction that stores the result with the introduction, at row `seq`. */
export function storeIntroduced(life: Life, id: string, seq: number): void {
  store(life, { ...life.environment, sandbox: { id, seq } });
}

/** A summary that takes the introduction out lets the next call introduce the sandbox again. Inside its transaction. */
export function forgetIntroduced(life: Life, keep_from: number): void {
  const { sandbox } = life.environment;
  if (sandbox !== null && sandbox.seq < keep_from) store(life, { ...life.environment, sandbox: null });
}

/** Messages from a row on are superseded, so their notes are made again. Inside their transaction. */
export function forgetNotes(life: Life, from: number): void {
  const { day, notes, sandbox } = life.environment;
  const left = notes.filter(({ seq }) => seq < from);
  const isIntroduced = sandbox === null || sandbox.seq < from;
  if (left.length === notes.length && isIntroduced) return;
  // Which day is the newest of the others is not known. An earlier one than any lets the next message name its day.
  const former = left.length === 0 ? null : day && { ...day, date: "" };
  const kept = left.length === notes.length ? day : former;
  store(life, { day: kept, notes: left, sandbox: isIntroduced ? sandbox : null });
}

function store(life: Life, notes: EnvironmentNotes): void {
  life.environment = notes;
  writeEnvironmentNotes(life.database.sql, notes);
}
