// The run that is killed again and again: a plan, commands that leave a mark at each start and each end, messages with
// several calls, a long command, text in between. What the model says depends on the conversation alone, so a repeated
// call gets the same words; the ids of its tool calls are new each time, as a real model's are.
import { randomBytes } from "node:crypto";
import { readConversation } from "../../dev/model/conversation.ts";
import type { Plan } from "../../dev/model/plan.ts";
import { call, type Reply, type ToolUse } from "../../dev/model/reply.ts";
import { cutText } from "../../dev/model/tokens.ts";
import type { ChatRequest } from "../../dev/model/wire.ts";
import type { Watch } from "./moments.ts";

const TASKS = ["Prepare the ground", "Do the long work", "Look at what was made"];

interface Step {
  reasoning?: string;
  text: string;
  uses: (run: string, plan: Plan | null) => ToolUse[];
}

/** How many lines each command of a run prints. */
const LINES = [1, 2, 1, 12, 3, 1];

export const COMMANDS = LINES.length;

const steps: Step[] = [
  {
    text: "I will write down a plan first, so that everybody can see how far the work has come, and then follow it.",
    uses: () => [call("create_tasks", { sections: [{ title: "The work", tasks: TASKS }] })],
  },
  {
    reasoning: "The folder may be empty. Three things can be made at once, and none of them depends on another.",
    text: "Three small things come first; they are made one after another in one go.",
    uses: (run) => [
      call("execute_command", { command: command(run, 1) }),
      call("execute_command", { command: command(run, 2) }),
      call("execute_command", { command: command(run, 3) }),
    ],
  },
  {
    text: "The ground is prepared, so the first task is done and the second one is due.",
    uses: (_run, plan) => [finishTask(plan, 0), call("list_files", {})],
  },
  {
    text: "This takes a while, and its output can be watched line by line as it comes.",
    uses: (run) => [call("execute_command", { command: command(run, 4) })],
  },
  {
    text: "The long work is done. A file says so, another command goes over it once more, and the task is closed.",
    uses: (run, plan) => [
      call("create_file", { path: `notes-${run}.md`, content: `# ${run}\n\nThe long work is done.\n` }),
      call("execute_command", { command: command(run, 5) }),
      finishTask(plan, 1),
    ],
  },
  {
    text: "Only a last look is left.",
    uses: (run, plan) => [
      call("execute_command", { command: command(run, 6) }),
      call("read_file", { path: `notes-${run}.md` }),
      finishTask(plan, 2),
    ],
  },
  {
    text: "Everything that was planned is done: the ground was prepared, the long work ran to its end, and what it made was looked at.",
    uses: () => [],
  },
];

/** What the assistant of a whole run has said, in order. */
export const texts = steps.map(({ text }) => text);

/** Prints lines, and marks its beginning and its end in the counter file. Commands are numbered from 1. */
function command(run: string, number: number): string {
  const counter = counterName(run, number);
  const loop = `for line in $(seq 1 ${LINES[number - 1]}); do echo "line $line"; sleep 0.2; done`;
  return `echo begin >> ${counter}; ${loop}; echo end >> ${counter}`;
}

/** The output of each command that the model receives, in order. */
export const outputs = LINES.map((count) => {
  const lines = Array.from({ length: count }, (_, place) => `line ${place + 1}\n`);
  return `exit_code: 0\n${lines.join("")}`;
});

export function counterName(run: string, number: number): string {
  return `count-${run}-${number}`;
}

function finishTask(plan: Plan | null, place: number): ToolUse {
  const task = plan?.sections.flatMap((section) => section.tasks)[place];
  return call("update_tasks", { task_ids: [task?.id ?? "unknown"], status: "completed" });
}

export function requestText(run: string): string {
  return `chaos ${run}: please do the whole work.`;
}

/** The reply to a run of this script; undefined for any other conversation. */
export function replyTo(request: ChatRequest, watch: Watch): Reply | undefined {
  const conversation = readConversation(request);
  const run = /^chaos ([a-z0-9]+):/.exec(conversation.request)?.[1];
  if (run === undefined) return undefined;
  const at = conversation.recent.filter(({ exchanges }) => exchanges.length > 0).length;
  const step = steps[at];
  if (step === undefined) return undefined;
  // The process that asked is dead and gets no response.
  if (!watch({ kind: "model_called", run, step: at })) return { faults: { silent: true } };
  const calls = step.uses(run, conversation.plan).map(({ name, arguments: input }, place) => ({
    id: `call_${run}_${at}_${place}_${randomBytes(4).toString("hex")}`,
    name,
    arguments: JSON.stringify(input),
  }));
  return { reasoning: step.reasoning, text: speak(step.text, run, watch), calls };
}

function* speak(text: string, run: string, watch: Watch): Generator<string> {
  let count = 0;
  for (const piece of cutText(text)) {
    yield piece;
    count += 1;
    watch({ kind: "token", run, count });
  }
}

/** Parses a tool call's id, also where it is a part of a longer name. */
export function readCallId(name: string): { run: string; step: number; place: number } | null {
  const [, run, step, place] = /call_([a-z0-9]+)_(\d+)_(\d+)_[0-9a-f]{8}$/.exec(name) ?? [];
  return run === undefined ? null : { run, step: Number(step), place: Number(place) };
}
