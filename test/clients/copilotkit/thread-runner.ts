// CopilotKit's runtime remembers what ran in its own memory, event by event. This is its interface for another place: a
// runner that runs as the one in memory does, and asks Taskloom what a thread has. The id of a known run attaches to
// that run, and the answer begins with the whole conversation.
import { type BaseEvent, HttpAgent } from "@ag-ui/client";
import { type AgentRunner, InMemoryAgentRunner } from "@copilotkit/runtime/v2";
import { defer, EMPTY, type Observable, switchMap } from "rxjs";

interface Run {
  invocation_id: string;
  status: string;
}

export function createThreadRunner(server: string, key: string): AgentRunner {
  const memory = new InMemoryAgentRunner();
  const headers = { authorization: `Bearer ${key}` };
  const runsOf = (threadId: string) => `${server}/v1/threads/${encodeURIComponent(threadId)}/runs`;

  async function findNewest(threadId: string): Promise<Run | null> {
    const response = await fetch(`${runsOf(threadId)}?limit=1`, { headers });
    if (response.status === 404) return null;
    if (!response.ok) throw new Error(`Taskloom answered ${response.status}.`);
    return ((await response.json()) as { data: Run[] }).data[0] ?? null;
  }

  function attach(threadId: string, runId: string): Observable<BaseEvent> {
    const input = { threadId, runId, messages: [], tools: [], context: [], state: {}, forwardedProps: {} };
    return new HttpAgent({ url: `${server}/ag-ui`, headers }).run(input);
  }

  return {
    run: (request) => memory.run(request),
    connect: ({ threadId }) =>
      defer(() => findNewest(threadId)).pipe(
        switchMap((run) => (run === null ? EMPTY : attach(threadId, run.invocation_id))),
      ),
    isRunning: async ({ threadId }) => (await findNewest(threadId))?.status === "running",
    // Whoever else watches continues, so the run is cancelled and not only left.
    stop: async (request) => {
      const run = await findNewest(request.threadId);
      if (run !== null)
        await fetch(`${runsOf(request.threadId)}/${run.invocation_id}/cancel`, { method: "POST", headers });
      await memory.stop(request);
      return run !== null;
    },
  };
}
