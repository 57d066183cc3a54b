// `npm run ask -- "…"`: sends one request in the terminal, through the public API like any other client. Exits with 0
// if the run completed, otherwise with 1.
import { join } from "node:path";
import type { CheckRun } from "../src/protocol/plan/check-run.ts";
import type { Usage } from "../src/protocol/run.ts";
import { Api, ApiError, pathOf } from "../src/web/client/api.ts";
import { advance, type Conversation, emptyConversation } from "../src/web/client/conversation.ts";
import { type Followed, followRun } from "../src/web/client/follow.ts";
import { newId } from "../src/web/client/ids.ts";
import { restore } from "../src/web/client/restore.ts";
import { type AskArguments, readArguments, usage } from "./ask/arguments.ts";
import { costLine, sumUsage } from "./ask/cost.ts";
import { modelLines } from "./ask/models.ts";
import { answerQuestions } from "./ask/questions.ts";
import { type PlanWithReceipts, receiptLines, seenLine } from "./ask/receipts.ts";
import { Screen } from "./ask/screen.ts";
import { sourceLines } from "./ask/sources.ts";
import { plain } from "./ask/width.ts";
import { endWithReader } from "./reader.ts";
import { readSecretFile } from "./secrets.ts";
import { readAddress } from "./start/state.ts";

const root = join(import.meta.dirname, "..");

/** A restart of the server takes seconds; after a minute it is not coming back. */
const patienceMs = 60_000;

/** The server answers after five minutes at the latest. */
const checksMs = 5 * 60_000 + 10_000;

async function findServer({ url, keyFile, state }: AskArguments): Promise<{ api: Api; url: string }> {
  const local = await readAddress(state);
  const address = url ?? local?.url;
  if (address === undefined) {
    throw new Error("No server runs here. Start one with `npm start`, or name one with --url and its key.");
  }
  // The local server's key is never sent to another server, nor another server's key to the local one.
  const known = local !== null && placeOf(address) === placeOf(local.url) ? local.key : process.env.TASKLOOM_API_KEY;
  const inFile = keyFile === null ? null : await readSecretFile("--key-file", keyFile);
  const used = inFile ?? known ?? "";
  if (used === "") throw new Error(`No key for ${address}. Set TASKLOOM_API_KEY, or name a file with --key-file.`);
  const api = new Api(address, used);
  await api.health().catch(() => {
    throw new Error(
      `No server responds at ${address}. Start one with \`npm start\`, or name one with --url and its key.`,
    );
  });
  return { api, url: address };
}

/** The origin of an address. A server on loopback has two names. */
function placeOf(address: string): string {
  return new URL(address).origin.replace("//localhost:", "//127.0.0.1:");
}

/** The thread's content so far, which is not printed again. */
async function readThread(api: Api, thread: string | null): Promise<Conversation> {
  if (thread === null) return emptyConversation;
  try {
    const [rows, plan] = await Promise.all([api.listMessages(thread), api.getPlan(thread)]);
    return restore(rows, plan, [], []);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return emptyConversation;
    throw error;
  }
}

async function runOnce(api: Api, followed: Followed, screen: Screen, before: Conversation): Promise<Conversation> {
  let view = before;
  const stopping = new AbortController();
  const cancel = (): void => {
    // A second Ctrl-C does not wait for the server.
    if (stopping.signal.aborted) process.exit(130);
    stopping.abort();
    screen.say("Stopping… (press Ctrl-C again to leave at once)");
    api.cancel(followed.thread, followed.run).catch((error: Error) => {
      console.error(`The run could not be cancelled: ${error.message}`);
      process.exit(1);
    });
  };
  process.on("SIGINT", cancel);
  process.on("SIGTERM", cancel);
  try {
    const follower = {
      onEvent: (event: Parameters<typeof advance>[1]) => {
        view = advance(view, event);
        screen.show(view);
        if (event.type === "CUSTOM" && event.name === "receipt") screen.say(seenLine(event.value));
      },
      onWait: ({ message, retryAt }: ApiError) =>
        screen.say(`· ${plain(message)} Trying again at ${new Date(retryAt ?? 0).toLocaleTimeString("en-GB")}.`),
      onConnection: (up: boolean) => screen.say(up ? "· reconnected" : "· connection lost; reconnecting"),
    };
    await followRun(api, followed, follower, { signal: new AbortController().signal, patienceMs });
    return view;
  } catch (error) {
    if (view === before || !(error instanceof ApiError && error.status === 401)) throw error;
    throw new Error("The API key is no longer valid. The run continues without you; read it with another key.");
  } finally {
    process.off("SIGINT", cancel);
    process.off("SIGTERM", cancel);
  }
}

async function ask(options: AskArguments): Promise<number> {
  const { api, url } = await findServer(options);
  const { message, model, caps } = options;
  if (options.checks) return await runChecks(api, options.thread ?? "");
  if (message === null) return await listModels(api);
  const thread = options.thread ?? newId("thread");
  const begin: Followed["begin"] = {
    ...{ kind: "message", id: newId("msg"), text: message, caps },
    ...(model === null ? {} : { model }),
  };
  let followed: Followed = { thread, run: newId("inv"), begin };
  let view = await readThread(api, options.thread);
  const screen = new Screen(process.stdout, view);
  const followedRuns = new Set<string>();
  for (;;) {
    followedRuns.add(followed.run);
    try {
      view = await runOnce(api, followed, screen, view);
    } catch (error) {
      if (!(error instanceof ApiError && followed.begin?.kind === "answers")) throw error;
      // Rejected answers leave the interrupt open, so it is asked again.
      if (error.isAnswered) screen.say("· This was answered elsewhere or has expired. Here is the current state.");
      else if (error.status === 400 || error.status === 422) screen.say(`· ${plain(error.message)}`);
      else throw error;
      followed = await findNewest(api, followed);
      continue;
    }
    if (view.run.state !== "interrupted" || !process.stdin.isTTY) break;
    screen.end();
    const answers = await answerQuestions(view, new AbortController().signal);
    const interrupted = followed.run;
    followed = { thread, run: newId("inv"), begin: { kind: "answers", interrupted, answers } };
  }
  screen.end();
  // The answer is there already; a server that is gone by now costs only what is said about it.
  const runs = await Promise.all([...followedRuns].map((run) => api.getRun(thread, run).catch(() => null)));
  for (const line of sourceLines(runs.at(-1)?.sources ?? [])) console.log(line);
  return conclude(view, url, thread, sumUsage(runs));
}

/** Shows what was seen of each task. 1 if something of it has failed. */
async function runChecks(api: Api, thread: string): Promise<number> {
  const run = await api.send<CheckRun>("POST", `${pathOf(thread)}/checks/run?wait=1`, {}, checksMs);
  const plan = await api.get<PlanWithReceipts>(`${pathOf(thread)}/tasks?include=receipts`);
  const { lines, failed } = receiptLines(plan, run);
  for (const line of lines) console.log(line);
  return run.status === "completed" && failed === 0 ? 0 : 1;
}

async function listModels(api: Api): Promise<number> {
  for (const line of modelLines(await api.listModels())) console.log(line);
  return 0;
}

/** The thread's newest run: the one that someone else's answer started, or else the one that asked. */
async function findNewest(api: Api, { thread, run }: Followed): Promise<Followed> {
  const { data } = await api.listRuns(thread);
  return { thread, run: data[0]?.invocation_id ?? run, begin: null };
}

function conclude({ run, state, interrupts }: Conversation, url: string, thread: string, usage: Usage | null): number {
  console.log("");
  for (const preview of state.sandbox.previews) console.log(`→ ${plain(preview.url)}`);
  if (run.state === "completed") {
    console.log(run.unfinished > 0 ? `Done; ${run.unfinished} tasks are unfinished.` : "Done.");
  } else if (run.state === "failed") {
    console.log(`Failed: ${plain(run.error ?? "no reason was given")}`);
  } else if (run.state === "interrupted") {
    for (const { message } of interrupts) console.log(`? ${plain(message ?? "")}`);
    // A plain message answers a lone question; calls and plans are approved in a terminal or on the page.
    const isQuestion = interrupts.length === 1 && interrupts[0]?.reason === "question";
    console.log(isQuestion ? `To answer: npm run ask -- --thread ${thread} "…"` : "To answer, open the address below.");
  } else {
    console.log("Cancelled.");
  }
  if (usage !== null) console.log(costLine(usage));
  console.log(
    `Thread ${thread}, at ${url.replace("//127.0.0.1:", "//localhost:").replace(/\/+$/, "")}/#thread=${thread}`,
  );
  return run.state === "completed" ? 0 : 1;
}

async function main(): Promise<void> {
  // The run continues without it.
  endWithReader();
  try {
    const options = readArguments(process.argv.slice(2), root);
    process.exitCode = await ask(options);
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    console.error(message);
    if (code?.startsWith("ERR_PARSE_ARGS") || message.startsWith("no request given")) console.error(`usage: ${usage}`);
    process.exitCode = 1;
  }
}

await main();
