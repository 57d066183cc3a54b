// How long an answer may take, a session lasts and the audit is kept, and how often a schedule may be due.
import { z } from "zod";

export interface TimeSettings {
  /** How long a person may take to answer a question or an approval; null means for ever. */
  interrupt_ms: number | null;
  /** The fewest minutes between two due times of a new schedule. */
  schedule_minutes: number;
  /** How long a session lasts, from sign-in. */
  session_ms: number;
  /** How long entries of the audit are kept. */
  audit_days: number;
}

const numberOrText = z.union([z.number(), z.string().trim().optional().catch(undefined)]);

/** A week: long enough for a holiday, and an approval does not come months after its question. */
const DEFAULT_INTERRUPT_HOURS = 7 * 24;
const MAX_INTERRUPT_HOURS = 366 * 24;
const HOUR_MS = 3_600_000;

/** In ms. 0 and more than a year mean for ever. A negative value, or one that is no number, counts as not set. */
const interruptHours = numberOrText.transform((value): number | null => {
  const given = value === undefined || value === "" ? Number.NaN : Number(value);
  const read = given >= 0 ? given : DEFAULT_INTERRUPT_HOURS;
  return read === 0 || read > MAX_INTERRUPT_HOURS ? null : read * HOUR_MS;
});

/** Each due time is a run, and a run costs money: twelve an hour are plenty for what nobody watches. */
const DEFAULT_SCHEDULE_MINUTES = 5;
const HOUR_MINUTES = 60;

/** Whole minutes up to an hour; anything else counts as not set. */
const scheduleMinutes = numberOrText.transform((value) => {
  const given = Number(value);
  return Number.isInteger(given) && given >= 1 && given <= HOUR_MINUTES ? given : DEFAULT_SCHEDULE_MINUTES;
});

/**
 * A working day and the evening after it. Shorter, people sign in while they work; longer, a lost laptop is admitted.
 */
const DEFAULT_SESSION_HOURS = 24;
/** A month. */
const MAX_SESSION_HOURS = 720;

/** In ms. Hours from 1 to 720; anything else counts as not set. */
const sessionHours = numberOrText.transform((value) => {
  const given = Number(value);
  return (given >= 1 && given <= MAX_SESSION_HOURS ? given : DEFAULT_SESSION_HOURS) * HOUR_MS;
});

/** A year: what happened is often asked about long after. */
const DEFAULT_AUDIT_DAYS = 365;
const MAX_AUDIT_DAYS = 3_650;

/** Whole days up to ten years; anything else counts as not set. */
const auditDays = numberOrText.transform((value) => {
  const given = Number(value);
  return Number.isInteger(given) && given >= 1 && given <= MAX_AUDIT_DAYS ? given : DEFAULT_AUDIT_DAYS;
});

const settings = z.object({
  INTERRUPT_HOURS: interruptHours,
  SCHEDULE_MINUTES: scheduleMinutes,
  SESSION_HOURS: sessionHours,
  AUDIT_DAYS: auditDays,
});

export function readTimeSettings(env: object): TimeSettings {
  const values = settings.parse(env);
  return {
    interrupt_ms: values.INTERRUPT_HOURS,
    schedule_minutes: values.SCHEDULE_MINUTES,
    session_ms: values.SESSION_HOURS,
    audit_days: values.AUDIT_DAYS,
  };
}
