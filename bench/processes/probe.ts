// A fixed piece of work, timed on request: a process that is pinned to a core shows how fast that core is now.

// Takes some five milliseconds: short beside any measurement, long beside the clock and a context switch.
const STEPS = 3_000_000;

// The shortest of a few: one that was interrupted says nothing about the core.
const TRIES = 3;

function work(): number {
  let value = 1;
  for (let step = 0; step < STEPS; step++) value = (value * 48_271) % 2_147_483_647;
  return value;
}

let sum = 0;

process.on("message", () => {
  const times = Array.from({ length: TRIES }, () => {
    const begun = performance.now();
    sum += work();
    return performance.now() - begun;
  });
  process.send?.({ ms: Math.min(...times), sum });
});
process.on("disconnect", () => process.exit());
for (let round = 0; round < 5; round++) sum += work();
process.send?.({ ready: true });
