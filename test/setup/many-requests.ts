/** Tests do in seconds what people do in an hour, as one user. Those of quotas have settings of their own. */
export const MANY_REQUESTS = [
  "requests_per_minute",
  "changes_per_minute",
  "sums_per_minute",
  "runs_per_minute",
  "runs_at_once",
]
  .map((name) => `${name}=1000000`)
  .join();
