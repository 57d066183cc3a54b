// `npm run chaos -- --remote URL`: the checks that need no kill, for a deployed Worker. Uses only its API, with the key
// in TASKLOOM_API_KEY. If the scripted model serves, messages control it exactly; a real model is asked for little.
import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { Run } from "../../src/protocol/run.ts";
import { type RemoteCheck, remoteChecks } from "./remote-checks.ts";
import type { Remote, RemoteOptions } from "./remote-server.ts";

const REQUEST_MS = 60_000;
const LOOK_MS = 500;
/** About a person's reading pace, so that a reader has time to leave in the middle of the text. */
const WORDS_PER_SECOND = 40;

const scripted: Remote["prompts"] = {
  text: (words) => `[[say ${words}]] [[pace ${WORDS_PER_SECOND}]]`,
  work: (seconds) => `[[say ${seconds * WORDS_PER_SECOND}]] [[pace ${WORDS_PER_SECOND}]]`,
};

const real: Remote["prompts"] = {
  text: (words) => `Answer at once, without tools and without a plan: a story of about ${words} words.`,
  work: (seconds) =>
    `Run exactly one command in the sandbox, \`sleep ${seconds}\` with timeout_seconds ${seconds + 60}, then answer "done".`,
};

/** Prints a line per check. True where all of them pass. */
export async function checkRemote(options: RemoteOptions, print: (line: string) => void): Promise<boolean> {
  const remote = await openRemote(options);
  let failed = 0;
  for (const check of remoteChecks) {
    if (check.needsOperator && !options.deploy) continue;
    const begun = performance.now();
    const problem = await tryCheck(check, remote, print);
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    print(
      `${problem === null ? "ok    " : "FAILED"} ${check.name} (${seconds} s)${problem === null ? "" : `: ${problem}`}`,
    );
    if (problem !== null) failed += 1;
  }
  print(`${failed} failed`);
  return failed === 0;
}

async function tryCheck(check: RemoteCheck, remote: Remote, print: (line: string) => void): Promise<string | null> {
  try {
    const note = await check.run(remote, print);
    if (note !== null) print(`       ${note}`);
    return null;
  } catch (error) {
    remote.signal.throwIfAborted();
    return error instanceof Error ? error.message : String(error);
  }
}

async function openRemote(options: RemoteOptions): Promise<Remote> {
  const url = new URL(options.url).origin;
  const { key, signal } = options;
  const mark = randomBytes(4).toString("hex");
  let count = 0;
  const request: Remote["request"] = (method, path, body) =>
    fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const json = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await request(method, path, body);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 500)}`);
    return JSON.parse(text) as T;
  };
  const { stand_ins } = await json<{ stand_ins: string[] }>("GET", "/healthz");
  return {
    ...options,
    url,
    up: Promise.resolve(),
    prompts: stand_ins.includes("model") ? scripted : real,
    newId: (what) => {
      count += 1;
      return `chaos-${mark}-${what}-${count}`;
    },
    request,
    json,
    untilEnded: async (thread, run, within_ms) => {
      const until = Date.now() + within_ms;
      for (;;) {
        // A server that is being replaced may not respond.
        const found = await json<Run>("GET", `/v1/threads/${thread}/runs/${run}`).catch(() => null);
        if (found !== null && found.status !== "queued" && found.status !== "running") return found;
        if (Date.now() > until)
          throw new Error(`the run ${run} is ${found?.status ?? "unknown"} after ${within_ms} ms`);
        await wait(LOOK_MS, undefined, { signal });
      }
    },
  };
}
