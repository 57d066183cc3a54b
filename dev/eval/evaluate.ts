// The evaluation as a function of its arguments and settings: asks, scores, prints. Without a key it replays
// recordings, and prints at the beginning and the end that they prove nothing about the prompt.
import { join } from "node:path";
import { type Config, type Env, readConfig } from "../../src/config.ts";
import { createModels, findRoute, type Route } from "../../src/models/index.ts";
import { agentConfig } from "../../src/protocol/agents/agent.ts";
import { createTools } from "../../src/tools/index.ts";
import type { Settings } from "../start/settings.ts";
import type { EvalArguments } from "./arguments.ts";
import { askAll, type Outcome, prepare, type Setup } from "./ask-model.ts";
import { createReplayModel, type Recordings, readRecordings, recordReply, writeRecordings } from "./recordings.ts";
import { describeOutcome, describeTotals, describeUsage, frame, sumUp } from "./report.ts";
import { converse, recordFetch, writeTranscript } from "./transcript.ts";

export interface Surroundings {
  settings: Settings;
  print: (line: string) => void;
  signal: AbortSignal;
}

/** Where the replies come from, and a warning where their scores mean less than they seem to. */
interface Source {
  setup: Setup;
  notice: string | null;
  place: string;
}

const handmade = join(import.meta.dirname, "recordings.json");

/** Returns the exit code: 0 where every request got a reply and the mean score reaches the threshold. */
export async function evaluate(options: EvalArguments, { settings, print, signal }: Surroundings): Promise<number> {
  const { setup, notice, place } = await openSource(options, settings);
  const warn = (): void => {
    for (const line of notice === null ? [] : frame(notice)) print(line);
  };
  warn();
  print(`${place}; prompt ${setup.fingerprint}, ${setup.system.length.toLocaleString("en")} characters`);
  const asked = Array.from({ length: options.repeat }, () => options.requests).flat();
  const onOutcome = (outcome: Outcome): void => {
    for (const line of describeOutcome(outcome)) print(line);
  };
  const outcomes = await askAll(setup, asked, { concurrency: options.concurrency, signal, onOutcome });
  const used = describeUsage(outcomes);
  for (const line of ["", ...describeTotals(outcomes), ...(used === null ? [] : [used])]) print(line);
  const { score, failed, asked: count } = sumUp(outcomes);
  if (options.record !== null && failed < count && !signal.aborted) {
    await record(options.record, outcomes, setup, options);
    const wire = await recordWire(options.record, setup, settings, { options, signal });
    print(`recorded in ${options.record}, and as it went over the wire in ${wire}`);
  }
  const isReached = failed === 0 && score >= options.threshold;
  print(`${isReached ? "reached" : "NOT reached"}: score ${score.toFixed(3)}, threshold ${options.threshold}`);
  warn();
  return isReached ? 0 : 1;
}

async function openSource(options: EvalArguments, settings: Settings): Promise<Source> {
  const agent = agentConfig.parse({ tool_format: options.tool_format });
  // Of `Env` only vars are read here; its bindings exist on the platform only.
  const config = readConfig(settings as unknown as Env);
  const route = options.replay === null ? chooseModel(config.models, options.model) : null;
  const tools = createTools(config);
  if (route === null && options.record !== null) throw new Error(needsModel);
  if (route === null) {
    const recordings = await readRecordings(options.replay ?? handmade);
    const setup = await prepare(createReplayModel(recordings), "recordings", agent, tools);
    return { setup, notice: describeReplay(recordings, setup), place: "recorded replies" };
  }
  const setup = await prepare(createModels(config.models)[agent.tool_format](), route.name, agent, tools);
  const place = `${setup.name} at ${hostOf(route)}, ${agent.tool_format} tool calls`;
  return { setup, notice: isLocal(route) ? local : null, place };
}

const needsModel = "--record needs a model: set OPENAI_API_KEY, or name a model of MODEL_SERVERS";

/** Null where no server is set up. Throws an error with a message for people where the model is at none. */
function chooseModel(settings: Config["models"], asked: string | null): (Route & { name: string }) | null {
  const name = asked ?? settings.default_model;
  const hasServer = settings.default_server !== null || settings.servers.size > 0;
  if (settings.problem === null && !hasServer) return null;
  const routing = findRoute(settings, name ?? "");
  if (!routing.ok) throw new Error(routing.message);
  return { ...routing.route, name: name ?? "" };
}

function describeReplay({ origin }: Recordings, { fingerprint }: Setup): string {
  if (origin.made === "by hand") {
    return `REPLAY: no model was asked. These replies were written by hand: they prove that the scorer works
and NOTHING about the prompt. To evaluate the prompt, set OPENAI_API_KEY and run this again.`;
  }
  const { model, recorded_at, tool_format } = origin;
  const whose = `REPLAY: no model was asked. These are replies of ${model} (${tool_format} tool calls) from ${recorded_at}`;
  return origin.fingerprint === fingerprint
    ? `${whose},\nto the prompt as it is now. They show how that model did then, once.`
    : `${whose},\nto ANOTHER prompt (${origin.fingerprint}) than the current one: they prove NOTHING about the current one.`;
}

const local = `The model is at an address of this machine. If it is the scripted demo model (npm run model), it does not read
the prompt, and these figures say NOTHING about it.`;

function hostOf({ server }: Route): string {
  return URL.parse(server.base_url)?.host ?? "an invalid URL";
}

function isLocal(route: Route): boolean {
  return /^(?:localhost|127\.[\d.]+|\[::1\])(?::\d+)?$/.test(hostOf(route));
}

/** One short conversation, in the form of the laboratory of wires. */
async function recordWire(
  path: string,
  setup: Setup,
  settings: Settings,
  { options, signal }: { options: EvalArguments; signal: AbortSignal },
): Promise<string> {
  const config = readConfig(settings as unknown as Env);
  const route = chooseModel(config.models, setup.name);
  if (route === null) throw new Error(needsModel);
  const { api_key, gateway_token, headers } = route.server;
  const secrets = [api_key, gateway_token, ...Object.values(headers)].filter((secret) => secret !== null);
  const recorder = recordFetch(fetch, secrets);
  const model = createModels(config.models, { fetch: recorder.fetch })[options.tool_format]();
  await converse({ ...setup, model }, signal);
  const wire = `${path.replace(/\.json$/, "")}.wire.json`;
  const url = new URL(route.server.base_url);
  await writeTranscript(wire, {
    made: isLocal(route) ? "by a strict server" : "by a model",
    // An address may contain a password, or a key in its query.
    base_url: url.origin + url.pathname,
    model: route.model,
    profile: route.server.profile,
    recorded_at: new Date().toISOString(),
    exchanges: recorder.exchanges,
  });
  return wire;
}

async function record(path: string, outcomes: Outcome[], setup: Setup, { tool_format }: EvalArguments): Promise<void> {
  // Of a repeated request the last reply is recorded.
  const replies = Object.fromEntries(
    outcomes.flatMap((outcome) =>
      outcome.kind === "scored"
        ? [[outcome.request.text, recordReply({ ...outcome.reply, usage: outcome.usage })] as const]
        : [],
    ),
  );
  const { name: model, fingerprint } = setup;
  const origin = {
    made: "by a model",
    model,
    tool_format,
    fingerprint,
    recorded_at: new Date().toISOString(),
  } as const;
  await writeRecordings(path, { origin, replies });
}
