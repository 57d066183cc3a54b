// `npm run ask -- "…"`: one request in the terminal, through the public API like any other client. Exits with 0 when the
// work was done, with 1 when it was not.
import { join } from "node:path";
import { Api, ApiError } from "../src/web/client/api.ts";
import { advance, type Conversation, emptyConversation } from "../src/web/client/conversation.ts";
import { type Followed, followRun } from "../src/web/client/follow.ts";
import { newId } from "../src/web/client/ids.ts";
import { restore } from "../src/web/client/restore.ts";
import { type AskArguments, readArguments, usage } from "./ask/arguments.ts";
import { answerQuestions } from "./ask/questions.ts";
import { Screen } from "./ask/screen.ts";
import { plain } from "./ask/width.ts";
import { readAddress } from "./start/state.ts";

const root = join(import.meta.dirname, "..");

/** A restart of the server takes seconds; after this it is not coming back. */
const patienceMs = 60_000;

async function findServer({ url, key, state }: AskArguments): Promise<{ api: Api; url: string }> {
  const local = await readAddress(state);
  const address = url ?? local?.url;
  if (address === undefined) {
    throw new Error("No server runs here. Start one with `npm start`, or name one with --url and --key.");
  }
  // The key of the local server is for no other one.
  const known = local !== null && placeOf(address) === placeOf(local.url) ? local.key : "";
  const api = new Api(address, key ?? known);
  await api.health().catch(() => {
    throw new Error(`No server answers on ${address}. Start one with \`npm start\`, or name one with --url and --key.`);
  });
  return { api, url: address };
}

/** The server listens on loopback, which has two names. */
function placeOf(address: string): string {
  return new URL(address).origin.replace("//localhost:", "//127.0.0.1:");
}

/** What the thread holds already, so that it is not told again. */
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
    screen.say("Stopping… (once more to leave at once)");
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
      },
      onConnection: (up: boolean) => screen.say(up ? "· connected again" : "· connection lost; trying again"),
    };
    await followRun(api, followed, follower, { signal: new AbortController().signal, patienceMs });
    return view;
  } finally {
    process.off("SIGINT", cancel);
    process.off("SIGTERM", cancel);
  }
}

async function ask(options: AskArguments): Promise<number> {
  const { api, url } = await findServer(options);
  const thread = options.thread ?? newId("thread");
  const begin: Followed["begin"] = { kind: "message", id: newId("msg"), text: options.message };
  let followed: Followed = { thread, run: newId("inv"), begin };
  let view = await readThread(api, options.thread);
  const screen = new Screen(process.stdout, view);
  for (;;) {
    try {
      view = await runOnce(api, followed, screen, view);
    } catch (error) {
      if (!(error instanceof ApiError && followed.begin?.kind === "answers")) throw error;
      // What the server refuses is still open, and asked again.
      if (error.isAnswered) screen.say("· This was answered elsewhere, or its time was up. Here is how things stand.");
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
  return conclude(view, url, thread);
}

/** What someone else's answer led to; or the run that asked, where none is taken any more. */
async function findNewest(api: Api, { thread, run }: Followed): Promise<Followed> {
  const { data } = await api.listRuns(thread);
  return { thread, run: data[0]?.invocation_id ?? run, begin: null };
}

function conclude({ run, state, interrupts }: Conversation, url: string, thread: string): number {
  console.log("");
  for (const preview of state.sandbox.previews) console.log(`→ ${plain(preview.url)}`);
  if (run.state === "completed") {
    console.log(run.unfinished > 0 ? `Done; ${run.unfinished} tasks are unfinished.` : "Done.");
  } else if (run.state === "failed") {
    console.log(`Failed: ${plain(run.error ?? "no reason was given")}`);
  } else if (run.state === "interrupted") {
    for (const { message } of interrupts) console.log(`? ${plain(message ?? "")}`);
    // A plain message answers a lone question; a call or a plan is approved in a terminal or on the page.
    const isQuestion = interrupts.length === 1 && interrupts[0]?.reason === "question";
    console.log(isQuestion ? `To answer: npm run ask -- --thread ${thread} "…"` : "To answer, open the address below.");
  } else {
    console.log("Cancelled.");
  }
  console.log(
    `Thread ${thread}, at ${url.replace("//127.0.0.1:", "//localhost:").replace(/\/+$/, "")}/#thread=${thread}`,
  );
  return run.state === "completed" ? 0 : 1;
}

async function main(): Promise<void> {
  // A reader such as `head` has had enough; the run goes on without it.
  process.stdout.on("error", () => process.exit(1));
  try {
    const options = readArguments(process.argv.slice(2), root);
    process.exitCode = await ask(options);
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    console.error(message);
    if (code?.startsWith("ERR_PARSE_ARGS") || message.startsWith("say what")) console.error(`usage: ${usage}`);
    process.exitCode = 1;
  }
}

await main();
