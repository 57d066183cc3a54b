// The model of the bill: it takes as long as a real one on the fast clock, and does what the newest message says.
import { createServer, type ServerResponse } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { chunk, closing, opening, stop, token } from "../load/chunks.ts";
import { closeServer, listen, readBody } from "../targets/d1-proxy.ts";

export interface PacedModel {
  /** The origin. */
  url: string;
  close(): void;
}

/** What a run does, and how long each call of the model takes. */
interface Script {
  seconds: number;
  calls: ToolCall[];
}

interface ToolCall {
  name: string;
  input: object;
}

const TOKENS = 100;
/** Share of a call's time until its first token. */
const UNTIL_FIRST = 0.2;

const tasks = Array.from({ length: 10 }, (_, place) => `Build part ${place + 1} of the shop`);

/** A plan, then four steps for each of its ten tasks: 41 calls of a tool, and the reply. */
const planned: ToolCall[] = [
  { name: "create_tasks", input: { sections: [{ title: "Shop", tasks }] } },
  ...tasks.flatMap((_, place): ToolCall[] => [
    { name: "create_file", input: { path: `part-${place}.js`, content: "export const part = 1;\n".repeat(40) } },
    { name: "execute_command", input: { command: `wc -l part-${place}.js` } },
    { name: "read_file", input: { path: `part-${place}.js` } },
    { name: "update_tasks", input: { task_ids: [`task_${place + 1}`], status: "completed" } },
  ]),
];

/** One task, planned and completed, with what the server must see before it counts as done. */
function makeTask(...checks: object[]): ToolCall[] {
  const task = checks.length === 0 ? "Build the shop" : { content: "Build the shop", checks };
  return [
    { name: "create_tasks", input: { sections: [{ title: "Shop", tasks: [task] }] } },
    { name: "update_tasks", input: { task_ids: ["task_1"], status: "completed" } },
  ];
}

export const scripts = {
  reply: { seconds: 10, calls: [] },
  task: { seconds: 5, calls: makeTask() },
  checked: { seconds: 5, calls: makeTask({ type: "command", run: "echo 3 passed", contains: "3 passed" }) },
  judged: { seconds: 5, calls: makeTask({ type: "person", question: "Does it look right?" }) },
  plan: { seconds: 28, calls: planned },
  question: { seconds: 5, calls: [{ name: "ask", input: { question: "Which colour?" } }] },
} satisfies Record<string, Script>;

export type ScriptName = keyof typeof scripts;

export function writeScript(name: ScriptName): string {
  return `Please do this: [[bill ${name}]]`;
}

/** `speed` says how many of the clock's seconds pass in a real one. */
export async function startPacedModel(speed: () => number): Promise<PacedModel> {
  let calls = 0;
  const pause = (seconds: number): Promise<void> => wait((seconds * 1_000) / speed());
  const answer = async (body: string, response: ServerResponse): Promise<void> => {
    const { script, results } = readScript(body);
    response.writeHead(200, { "content-type": "text/event-stream" });
    await pause(script.seconds * UNTIL_FIRST);
    response.write(opening);
    const call = script.calls[results];
    const rest = script.seconds * (1 - UNTIL_FIRST);
    if (call !== undefined) {
      calls += 1;
      await pause(rest);
      response.end(Buffer.concat([...describeCall(`call_${String(calls).padStart(6, "0")}`, call), closing]));
      return;
    }
    // By the time that should have passed, so that late timers don't add up.
    const begun = performance.now();
    for (let count = 1; count <= TOKENS; count++) {
      const due = (rest * count) / TOKENS;
      await pause(Math.max(0, due - ((performance.now() - begun) / 1_000) * speed()));
      response.write(token);
    }
    response.end(Buffer.concat([stop, closing]));
  };
  const server = createServer(async (request, response) => {
    await answer(await readBody(request), response).catch(() => response.destroy());
  });
  const port = await listen(server);
  return { url: `http://127.0.0.1:${port}`, close: () => closeServer(server) };
}

function readScript(body: string): { script: Script; results: number } {
  const at = body.lastIndexOf("[[bill ");
  const [, name = ""] = /^\[\[bill (\w+)\]\]/.exec(body.slice(at, at + 40)) ?? [];
  const script = scripts[name as ScriptName] ?? scripts.reply;
  return { script, results: body.slice(at).split('"role":"tool"').length - 1 };
}

function describeCall(id: string, { name, input }: ToolCall): Buffer[] {
  const started = { index: 0, id, type: "function", function: { name, arguments: "" } };
  return [
    chunk({ tool_calls: [started] }),
    chunk({ tool_calls: [{ index: 0, function: { arguments: JSON.stringify(input) } }] }),
    chunk({}, "tool_calls"),
  ];
}
