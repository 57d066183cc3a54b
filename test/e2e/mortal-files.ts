/**
 * Writes, uploads and deletes without end, for a test that kills it: `node mortal-files.ts ADDRESS KEY NAME BYTES
 * FILES`. Says on stdout what begins. Each file has one byte value throughout, and each tree the same number of files.
 */
import { SandboxError } from "../../src/agent/sandbox.ts";
import { createDaytonaSandbox } from "../../src/sandboxes/daytona/sandbox.ts";
import { createDaytonaWorkspace } from "../../src/sandboxes/daytona/workspace.ts";

const [api_url = "", api_key = "", name = "", ...sizes] = process.argv.slice(2);
const [FILE_BYTES = 0, TREE_FILES = 0] = sizes.map(Number);
const settings = { api_key, api_url, target: "local", snapshot: null, name, labels: {}, onState: () => {} };
const sandbox = createDaytonaSandbox(settings);
const workspace = createDaytonaWorkspace(settings);
const { signal } = new AbortController();

function fill(round: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(FILE_BYTES).fill(97 + (round % 26));
}

/** Arrives in pieces, as a person's upload does. */
function stream(round: number): ReadableStream<Uint8Array> {
  const content = fill(round);
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(content.subarray(sent, sent + 200_000));
      sent += 200_000;
      if (sent >= content.length) controller.close();
    },
  });
}

const steps: Record<string, (round: number) => Promise<unknown>> = {
  write: (round) => sandbox.writeFile("written.txt", fill(round), signal),
  upload: (round) =>
    workspace.writeFile("uploaded.txt", { content: stream(round), limit_bytes: 2 * FILE_BYTES }, signal),
  grow: (round) => {
    const make = `mkdir -p new && cd new && seq ${TREE_FILES} | xargs touch && cd .. && [ -e tree ] || mv new tree`;
    const request = { command_id: `grow_${process.pid}_${round}`, command: make, wait_ms: 30_000 };
    return sandbox.runCommand(request, () => {}, signal);
  },
  delete: () => sandbox.deleteFile("tree", true, signal),
};

for (let round = process.pid; ; round++) {
  for (const [step, act] of Object.entries(steps)) {
    console.log(step);
    await act(round).catch((error: unknown) => {
      if (!(error instanceof SandboxError)) throw error;
    });
  }
}
