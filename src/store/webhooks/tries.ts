// Appends a try to a delivery's list in SQL, so that concurrent appends lose nothing.

/** The tries of a day, and the first of a replay. */
const MAX_TRIES = 12;

/** The list with one more try, whose JSON is bound as `parameter`. The oldest is dropped if the list is full. */
export function appendTry(parameter: string): string {
  const longer = `json_insert(tries, '$[#]', json(${parameter}))`;
  return `CASE WHEN json_array_length(tries) < ${MAX_TRIES} THEN ${longer} ELSE json_remove(${longer}, '$[0]') END`;
}
