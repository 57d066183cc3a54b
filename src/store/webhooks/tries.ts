// What came of the tries of a delivery, as SQL that goes on with the list: two who append at once lose nothing.

/** Those of a day, and of a replay's beginning. */
const MOST_TRIES = 12;

/** The list with one more, of which the JSON is bound as `parameter`; the oldest leaves where they are too many. */
export function appendTry(parameter: string): string {
  const longer = `json_insert(tries, '$[#]', json(${parameter}))`;
  return `CASE WHEN json_array_length(tries) < ${MOST_TRIES} THEN ${longer} ELSE json_remove(${longer}, '$[0]') END`;
}
