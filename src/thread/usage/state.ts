// What a run may spend and has spent beside `run.usage`, as its row stores it in `spending`. What was settled is in
// `run.usage` alone, so nothing is counted twice.
//
// A reservation is a model call's worst case. `plan` is the next call as far as it is known; `calls` are under way. Both
// are stored before the call is made, so whatever a life leaves of them is charged.
import { isRecord } from "../../lib/is-record.ts";
import {
  type CapName,
  type Caps,
  capNames,
  type PeriodCaps,
  type ReachedCap,
  type ScopedCaps,
} from "../../protocol/money/caps.ts";
import { type Amount, type ClosedLease, nothing } from "../../protocol/money/lease.ts";
import type { BudgetEvent } from "../../store/batch.ts";
import { isList, isNumber, isText, type Shape } from "../../store/shapes/stored.ts";

export interface Reservation {
  call_id: string;
  /** In tokens. */
  input: number;
  output: number;
  /** In nanodollars; null if the model has no price. */
  cost: number | null;
  /** The pool of leases that it counts against; absent without one. */
  periods?: string;
}

/** Leases for the same scopes and periods, which are spent as if they were one, the oldest first. */
export interface Pool {
  /** `deployment/2026-11 user/2026-11-28` */
  periods: string;
  leases: { lease_id: string; amount: Amount }[];
  /** Settled, without reservations. */
  spent: Amount;
}

/** Caps over many threads that were read when the run was accepted. The settings' are read at each call. */
export interface SharedCaps {
  user: PeriodCaps | null;
  project: Caps | null;
  /** D1 was away: these are what the thread last knew, and the next call reads them again. */
  is_old?: true;
}

export interface RunSpending {
  /** Its caps: of its request, agent and trigger. */
  caps: ScopedCaps[];
  shared: SharedCaps;
  /** What the runs that it resumes have used of the same caps. */
  before: Amount;
  worked_ms: number;
  /** The part of it in which it had leases before and has none in hand: it waits for one. The next one pays for it. */
  unleased_ms: number;
  /** D1 was away at first: its first lease pays for the calls that were made until then. */
  owes_before: boolean;
  plan: Reservation | null;
  calls: Reservation[];
  /** How many calls have got an id. */
  made: number;
  /** What the last request and its reply may take in the next request of the thread; null if there was none. */
  size: number | null;
  pools: Pool[];
  /** How many ids of leases are used. */
  asked_leases: number;
  /** Leases that it gives back and D1 may not know yet. */
  closed: ClosedLease[];
  /** The cap that a person is asked to raise. */
  asks: ReachedCap | null;
  /** What it and others that are too low become if the person names no numbers; null if that was not said. */
  proposes: Caps | null;
  /** What D1 may not know yet of caps that were reached or came near. */
  events: BudgetEvent[];
  /** The events that there were, so that each cap gives one of a kind. */
  noted: string[];
}

export const noSpending: RunSpending = {
  caps: [],
  shared: { user: null, project: null },
  before: nothing,
  worked_ms: 0,
  unleased_ms: 0,
  owes_before: false,
  plan: null,
  calls: [],
  made: 0,
  size: null,
  pools: [],
  asked_leases: 0,
  closed: [],
  asks: null,
  proposes: null,
  events: [],
  noted: [],
};

/** Null if there is nothing to store. Fields that are as in `noSpending` are left out: most runs have few. */
export function writeSpending(spending: RunSpending): string | null {
  const kept = Object.entries(spending).filter(
    ([name, value]) => !isUsual(value, noSpending[name as keyof RunSpending]),
  );
  return kept.length === 0 ? null : JSON.stringify(Object.fromEntries(kept));
}

function isUsual(value: unknown, usual: unknown): boolean {
  if (value === usual) return true;
  return Array.isArray(value) && Array.isArray(usual) && value.length === 0;
}

/**
 * A field that is missing or has another shape is as in `noSpending`, so that the run stays readable. The sweep gives
 * back what it holds of leases.
 */
export const toSpending: Shape<RunSpending> = (value) => {
  if (value === null) return noSpending;
  if (!isRecord(value)) return undefined;
  const known = Object.entries(isKnown).filter(([name, check]) => value[name] !== undefined && check(value[name]));
  return { ...noSpending, ...Object.fromEntries(known.map(([name]) => [name, value[name]])) };
};

const isKnown: Record<keyof RunSpending, (value: unknown) => boolean> = {
  caps: (value) => isList(value, isScopedCaps),
  shared: (value) => isRecord(value) && isShared(value.user) && isShared(value.project),
  before: isAmount,
  worked_ms: isNumber,
  unleased_ms: isNumber,
  owes_before: (value) => typeof value === "boolean",
  plan: (value) => value === null || isReservation(value),
  calls: (value) => isList(value, isReservation),
  made: isNumber,
  size: (value) => value === null || isNumber(value),
  pools: (value) => isList(value, isPool),
  asked_leases: isNumber,
  closed: (value) => isList(value, isClosed),
  asks: (value) => value === null || isReached(value),
  proposes: (value) => value === null || (isRecord(value) && hasNumbers(value)),
  events: (value) => isList(value, isEvent),
  noted: (value) => isList(value, isText),
};

export function isAmount(value: unknown): value is Amount {
  return isRecord(value) && isNumber(value.cost) && isNumber(value.tokens) && isNumber(value.ms);
}

export function isScopedCaps(value: unknown): value is ScopedCaps {
  return isRecord(value) && isText(value.scope) && hasNumbers(value);
}

function hasNumbers(value: Record<string, unknown>): boolean {
  return capNames.every((name: CapName) => value[name] == null || isNumber(value[name]));
}

function isShared(value: unknown): boolean {
  return value === null || isRecord(value);
}

function isReservation(value: unknown): value is Reservation {
  if (!isRecord(value) || !isText(value.call_id) || !isNumber(value.input) || !isNumber(value.output)) return false;
  return (value.cost === null || isNumber(value.cost)) && (value.periods === undefined || isText(value.periods));
}

function isPool(value: unknown): value is Pool {
  if (!isRecord(value) || !isText(value.periods) || !isAmount(value.spent)) return false;
  return isList(value.leases, (lease): lease is Pool["leases"][number] => {
    return isRecord(lease) && isText(lease.lease_id) && isAmount(lease.amount);
  });
}

export function isClosed(value: unknown): value is ClosedLease {
  return isRecord(value) && isText(value.lease_id) && isAmount(value.spent);
}

function isReached(value: unknown): value is ReachedCap {
  return isRecord(value) && isText(value.scope) && isText(value.name);
}

function isEvent(value: unknown): value is BudgetEvent {
  return isRecord(value) && isText(value.event) && isText(value.invocation_id) && isReached(value.cap);
}
