// A model that works through a plan of ten tasks, in as many calls as its order says, and then replies.
import { createServer } from "node:http";
import { callOf, closing, opening, stop, token } from "../load/chunks.ts";
import { readOrder } from "../load/order.ts";
import { closeServer, listen, readBody } from "../targets/d1-proxy.ts";

const TASKS = 10;
const texts = Array.from(
  { length: TASKS },
  (_, n) => `Part ${n + 1} of the work: look, change what is needed, and check it`,
);

export async function startPlanningModel(): Promise<{ url: string; close(): void }> {
  const server = createServer(async (request, response) => {
    const { order, results } = readOrder(await readBody(request));
    response.writeHead(200, { "content-type": "text/event-stream" });
    if (results < order.steps) {
      const id = `call_${String(results).padStart(24, "0")}`;
      const [name, args] = stepOf(results, order.steps);
      response.end(Buffer.concat([opening, ...callOf(id, name, JSON.stringify(args)), closing]));
      return;
    }
    const reply = Array.from({ length: order.tokens }, () => token);
    response.end(Buffer.concat([opening, ...reply, stop, closing]));
  });
  const port = await listen(server);
  return { url: `http://127.0.0.1:${port}`, close: () => closeServer(server) };
}

/** A task is begun, worked on and ended; the last call ends what is left. */
function stepOf(step: number, steps: number): [string, object] {
  const middle = TASKS / 2;
  if (step === 0) {
    const sections = [texts.slice(0, middle), texts.slice(middle)].map((tasks, n) => ({
      title: `Stage ${n + 1}`,
      tasks,
    }));
    return ["create_tasks", { sections }];
  }
  if (step === steps - 1) {
    return ["update_tasks", { task_ids: texts.map((_, n) => `task_${n + 1}`), status: "completed" }];
  }
  // Whoever ends no task for fifteen steps is stopped.
  const [task, phase] = [1 + Math.floor((step - 1) / 4), (step - 1) % 4];
  const named = { task_ids: [`task_${task}`] };
  if (phase === 0) return ["update_tasks", { ...named, status: "in_progress" }];
  if (phase === 3) return ["update_tasks", { ...named, status: "completed" }];
  return ["update_tasks", { ...named, content: `${texts[task - 1]}, for the ${step}th time` }];
}
