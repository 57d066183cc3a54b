// Signs of life of a run that is live. `runs.updated_at` says until when D1 need not hear of it: an object that is well
// writes its next sign before that, and so does not write one each half minute. The sweep takes what is overdue.

/** The sweep takes a run this long after the time in its row. */
export const SILENT_MS = 60_000;
/** For so long no sign is needed. The object's alarm comes each half minute, so the sweep is only the second rope. */
export const QUIET_MS = 9 * 60_000;
/** When the object writes the next sign: some of its alarms come before the time in the row. */
export const SIGN_MS = QUIET_MS - 60_000;
