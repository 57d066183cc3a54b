// Work in lanes: each lane does its own one after the other. Then it takes of what is shared, so no lane is idle while
// another has a long way to go.

/** Resolves when all is done. `run` gets the lane. */
export async function runLanes<Work>(
  lanes: readonly (readonly Work[])[],
  shared: readonly Work[],
  run: (work: Work, lane: number) => Promise<void>,
): Promise<void> {
  const left = [...shared];
  const drive = async (own: readonly Work[], lane: number): Promise<void> => {
    for (const work of own) await run(work, lane);
    for (let work = left.shift(); work !== undefined; work = left.shift()) await run(work, lane);
  };
  await Promise.all(lanes.map(drive));
}
