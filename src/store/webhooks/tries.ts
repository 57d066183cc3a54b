// How many tries a webhook has, and how one is appended to a delivery's list in SQL, so that concurrent appends lose
// nothing.

/**
 * Tries of one webhook in a minute. It is far above what a person's runs make, and bounds what a receiver gets from
 * somebody who changes plans in a loop. A trigger of this server lets in more.
 */
export const MAX_TRIES_PER_MINUTE = 120;

/** The tries of a day, and the first of a replay. */
const MAX_TRIES = 12;

/** The list with one more try, whose JSON is bound as `parameter`. The oldest is dropped if the list is full. */
export function appendTry(parameter: string): string {
  const longer = `json_insert(tries, '$[#]', json(${parameter}))`;
  return `CASE WHEN json_array_length(tries) < ${MAX_TRIES} THEN ${longer} ELSE json_remove(${longer}, '$[0]') END`;
}
