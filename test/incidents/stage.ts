// A server under an incident, and what an operator sees of it: the end of a run, the deep health, metrics, the log.
import type { Run } from "../../src/protocol/run.ts";
import { startTaskloom, type Taskloom } from "../e2e/harness.ts";
import { checkExposition } from "../fakes/exposition.ts";

export interface Seen {
  /** `GET /healthz?deep=1`: the checks that fail, with their words. */
  health: string[];
  /** Events of the log, with how often each came. */
  log: string[];
  /** Metrics that are not as in a quiet server. */
  metrics: string[];
  /** What the incident itself shows. */
  more: string[];
}

export interface Stage extends Taskloom {
  /** Starts a run and waits for its end, for `limit_ms` at most. */
  run(message: string, limit_ms?: number): Promise<Run>;
  fail(faults: { database?: string; queue?: string }): Promise<void>;
  look(more?: string[]): Promise<Seen>;
}

export async function openStage(settings: Record<string, string> = {}): Promise<Stage> {
  const taskloom = await startTaskloom(
    { ENCRYPTION_KEY: "a first sealing key of the incidents", ALLOW_PRIVATE_URLS: "1", ...settings },
    "test/incidents/incidents-worker.ts",
  );
  let threads = 0;
  const readMetrics = async () => checkExposition(await (await taskloom.request("GET", "/v1/metrics")).text());
  return {
    ...taskloom,
    async run(message, limit_ms = 60_000) {
      const thread = `incident-${++threads}`;
      const { invocation_id } = await taskloom.json<Run>("POST", `/v1/threads/${thread}/runs`, { message });
      const path = `/v1/threads/${thread}/runs/${invocation_id}`;
      const until = Date.now() + limit_ms;
      for (;;) {
        const run = await taskloom.json<Run>("GET", path);
        if (!["queued", "running"].includes(run.status) || Date.now() > until) return run;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    async fail(faults) {
      const query = new URLSearchParams(faults);
      await fetch(`${taskloom.url}/hooks/incident?${query}`, { method: "POST" });
    },
    async look(more = []) {
      const response = await taskloom.request("GET", "/healthz?deep=1");
      const { checks = [] } = (await response.json()) as { checks?: { name: string; ok: boolean; problem?: string }[] };
      const health = checks.filter(({ ok }) => !ok).map(({ name, problem }) => `${name}: ${problem}`);
      const metrics = [...(await readMetrics())].flatMap(([name, value]) =>
        isUnquiet(name, value) ? `${name} ${value}` : [],
      );
      return { health, log: countEvents(taskloom.runtime.logs), metrics, more };
    },
  };
}

/** Numbers that say nothing of an incident by themselves. */
const usual =
  /build_info|state_|database_|recent_(?:tokens|cost|complete|runs\{status="(?:completed|running)"\})|queue_bytes|_limit|budget_cap/;

function isUnquiet(name: string, value: number): boolean {
  if (name.startsWith("taskloom_up")) return value === 0;
  return !usual.test(name) && value !== 0;
}

function countEvents(lines: string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of lines) {
    const { event, code, level } = parse(line);
    if (event === undefined || level === "info") continue;
    const name = code === undefined ? event : `${event} (${code})`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => (count === 1 ? name : `${name} × ${count}`));
}

function parse(line: string): { event?: string; code?: string; level?: string } {
  try {
    return JSON.parse(line) as never;
  } catch {
    return {};
  }
}
