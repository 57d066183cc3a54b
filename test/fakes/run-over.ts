// Whether a reader has seen the end of its run.
export function isOver({ events }: { events: { type: string }[] }): boolean {
  return events.some(({ type }) => type === "RUN_FINISHED" || type === "RUN_ERROR");
}
