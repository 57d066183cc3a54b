// The ids of tasks that a model can read out of what it is sent.

/** Each id once, in order; "task_2 to task_4" names three. */
export function taskIdsIn(text: string): string[] {
  const ids = [...text.matchAll(/\btask_(\d{1,9})\b(?: to task_(\d{1,9})\b)?/g)].flatMap(([, from, to = from]) =>
    Array.from({ length: Number(to) - Number(from) + 1 }, (_, at) => `task_${Number(from) + at}`),
  );
  return [...new Set(ids)];
}
