// The run that is killed during checks. Its tasks have checks of each kind that a sandbox runs: some pass at once, one
// fails and is mended, one never passes, and one passes and breaks later, so that the run's end plans a repair. Each
// command of a check leaves a mark when it begins and when it ends, in a folder that no tree counts.
import { randomBytes } from "node:crypto";
import { readConversation } from "../../../dev/model/conversation.ts";
import { call, type Reply, type ToolUse } from "../../../dev/model/reply.ts";
import { cutText } from "../../../dev/model/tokens.ts";
import type { ChatRequest } from "../../../dev/model/wire.ts";

export const MARKS = ".marks";

/** What a check's command leaves, and how often each has to begin and to end in a whole run. */
export const marks: Record<string, number> = { build: 3, mend: 4, hopeless: 3, early: 0, late: 1 };

/** Sandboxes may share this machine's ports. */
const FIRST_PORT = 21_000;
const PORTS = 3_000;

interface Step {
  text: string;
  uses: (run: string) => ToolUse[];
}

function shell(command: string): ToolUse {
  return call("execute_command", { command });
}

function finish(...numbers: number[]): ToolUse {
  return call("update_tasks", { task_ids: numbers.map((number) => `task_${number}`), status: "completed" });
}

function marked(name: string, command: string): string {
  const file = `${MARKS}/${name}`;
  return `mkdir -p ${MARKS}; echo begin >> ${file}; sleep 0.4; ${command}; code=$?; echo end >> ${file}; exit $code`;
}

function serve(run: string) {
  const port = FIRST_PORT + (Number(run.slice(1)) % PORTS);
  const program = `require("http").createServer((request, answer) => answer.end("served")).listen(${port})`;
  return { type: "http", port, contains: "served", start: { run: `exec node -e '${program}'` } };
}

function plan(run: string): ToolUse {
  const tasks = [
    {
      content: "Build",
      checks: [
        { type: "command", run: marked("build", "test -s built.txt") },
        { type: "file", path: "built.txt", contains: "whole" },
      ],
    },
    { content: "Serve", checks: [serve(run)] },
    { content: "Mend", checks: [{ type: "command", run: marked("mend", "test -f mended.txt") }] },
    { content: "Hopeless", checks: [{ type: "command", run: marked("hopeless", "(exit 3)") }] },
  ];
  return call("create_tasks", { sections: [{ title: "The work", tasks }] });
}

const steps: Step[] = [
  { text: "A plan comes first, with what must be seen of each task.", uses: (run) => [plan(run)] },
  {
    text: "The first task is small.",
    uses: (run) => [shell(`mkdir -p ${MARKS}; echo ${run} > ${MARKS}/owner; echo whole > built.txt`), finish(1)],
  },
  { text: "The second one serves a page.", uses: () => [shell("echo page > page.txt"), finish(2)] },
  // The check fails, so the call behind it is not made.
  { text: "The third one may be done.", uses: () => [finish(3), shell(marked("early", "true"))] },
  {
    text: "It was not, so it is mended now.",
    uses: () => [shell("touch mended.txt"), finish(3), shell(marked("late", "true"))],
  },
  { text: "The last one is tried.", uses: () => [finish(4)] },
  { text: "And again.", uses: () => [shell("echo tried >> tries.txt"), finish(4)] },
  { text: "And once more.", uses: () => [shell("echo tried >> tries.txt"), finish(4)] },
  { text: "One thing is tidied up at last.", uses: () => [shell("echo ruined > built.txt")] },
  { text: "All that could be done is done.", uses: () => [] },
  { text: "That has to be repaired.", uses: () => [shell("echo whole > built.txt"), finish(5)] },
  { text: "Now it is done.", uses: () => [] },
];

export const STEPS = steps.length;

/** The receipts of each check in a run that nothing disturbs, in order, by its task and type. */
export const outcomes: Record<string, string[]> = {
  "Build command": ["passed", "passed", "passed"],
  "Build file": ["passed", "failed"],
  "Serve http": ["passed", "passed", "passed"],
  "Mend command": ["failed", "passed", "passed", "passed"],
  "Hopeless command": ["failed", "failed", "failed"],
  "Repair: Build file": ["passed"],
};

export const endings: Record<string, string> = {
  Build: "completed failed",
  Serve: "completed self_checked",
  Mend: "completed self_checked",
  Hopeless: "cancelled failed",
  "Repair: Build": "completed self_checked",
};

export function requestText(run: string): string {
  return `proven ${run}: please do the whole work.`;
}

/** `asked` and `said` are called for each request and each word; false: the process that asked is dead. */
export function replyTo(
  request: ChatRequest,
  asked: (run: string, step: number) => boolean,
  said: () => void,
): Reply | undefined {
  const conversation = readConversation(request);
  const run = /^proven ([a-z0-9]+):/.exec(conversation.request)?.[1];
  if (run === undefined) return undefined;
  const at = stepOf(request);
  const step = steps[at];
  if (step === undefined) return undefined;
  if (!asked(run, at)) return { faults: { silent: true } };
  const calls = step.uses(run).map(({ name, arguments: input }, place) => ({
    id: `call_${run}_${at}_${place}_${randomBytes(4).toString("hex")}`,
    name,
    arguments: JSON.stringify(input),
  }));
  return { text: speak(step.text, said), calls };
}

/** The texts are all different, and a reply without calls may stand among them. */
function stepOf({ messages }: ChatRequest): number {
  const texts = messages.flatMap((message) => (message.role === "assistant" ? [message.text.trim()] : []));
  return 1 + steps.findLastIndex(({ text }) => texts.includes(text));
}

function* speak(text: string, said: () => void): Generator<string> {
  for (const piece of cutText(text)) {
    yield piece;
    said();
  }
}
