// Milliseconds of the processor that a piece of work takes: other programs on the machine don't change them much.

export async function processorTime(work: () => unknown): Promise<number> {
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}
