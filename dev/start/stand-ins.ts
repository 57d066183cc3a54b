// The services that replace missing keys: the scripted demo model, sandboxes on this machine, and a search over sample
// pages. They run in this process, the first two with a key that only the Worker has: every program, and as far as
// browsers allow it every page, can reach their ports. The search has nothing that is secret.
import { randomBytes } from "node:crypto";
import { startDaytona } from "../daytona/server.ts";
import { startModel } from "../model/server.ts";
import { MODEL } from "../model/stream.ts";
import { startSearch } from "../search/server.ts";
import { forDemoModel, namedSearch, namedServers, type Settings } from "./settings.ts";
import { keepPort, readPort, readSandboxKey, type State } from "./state.ts";
import type { Stopping } from "./stopping.ts";

export interface Backends {
  /** The settings for these services. */
  settings: Settings;
  /** Describes the service to people. */
  model: string;
  sandbox: string;
  search: string;
  warnings: string[];
}

export async function startBackends(
  settings: Settings,
  state: State,
  hostExecAllowed: boolean,
  stopping: Stopping,
): Promise<Backends> {
  const model = await startModelStandIn(settings, stopping);
  const sandbox = await startSandboxStandIn(settings, state, hostExecAllowed, stopping);
  const search = await startSearchStandIn(settings, state, stopping);
  const backends = Object.entries({ model, sandbox, search });
  const standIns = backends.filter(([, { standIn }]) => standIn).map(([name]) => name);
  return {
    settings: { ...model.settings, ...sandbox.settings, ...search.settings, STAND_INS: standIns.join(",") },
    model: model.label,
    sandbox: sandbox.label,
    search: search.label,
    warnings: backends.flatMap(([, { warnings }]) => warnings),
  };
}

interface Backend {
  settings: Settings;
  standIn: boolean;
  label: string;
  warnings: string[];
}

async function startModelStandIn(settings: Settings, stopping: Stopping): Promise<Backend> {
  const { OPENAI_API_KEY, OPENAI_MODEL, OPENAI_BASE_URL } = settings;
  const { names, hasDefault } = namedServers(settings);
  const others = names.length > 0 ? `; more at ${names.join(", ")}` : "";
  if (OPENAI_API_KEY || hasDefault) {
    const where = OPENAI_BASE_URL && !hasDefault ? ` at ${hostOf(OPENAI_BASE_URL)}` : "";
    const label = `${OPENAI_MODEL || "the default model"}${where}${others}`;
    return { settings: {}, standIn: false, label, warnings: [] };
  }
  const plain = forDemoModel(settings, MODEL);
  const apiKey = randomBytes(24).toString("base64url");
  const model = await startModel({ port: 0, apiKey });
  await stopping.add(() => model.close());
  return {
    settings: { ...plain.settings, OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: model.baseUrl, OPENAI_MODEL: MODEL },
    standIn: true,
    label: `scripted demo model, not a real one (set OPENAI_API_KEY to use one)${others}`,
    warnings: [
      ...plain.ignored.map((name) => `${name} is ignored: OPENAI_API_KEY is not set.`),
      ...(OPENAI_MODEL ? ["OPENAI_MODEL is ignored: OPENAI_API_KEY is not set, and it names no server."] : []),
    ],
  };
}

async function startSandboxStandIn(
  settings: Settings,
  state: State,
  hostExecAllowed: boolean,
  stopping: Stopping,
): Promise<Backend> {
  if (settings.DAYTONA_API_KEY) {
    const where = settings.DAYTONA_API_URL ? ` at ${hostOf(settings.DAYTONA_API_URL)}` : "";
    return { settings: {}, standIn: false, label: `Daytona${where}`, warnings: [] };
  }
  const apiKey = await readSandboxKey(state);
  const options = {
    state: state.sandboxes,
    apiKey,
    hostExecAllowed,
    realModel: Boolean(settings.OPENAI_API_KEY) || namedServers(settings).names.length > 0,
    privateUrlsAllowed: settings.ALLOW_PRIVATE_URLS === "1",
  };
  const kept = await readPort(state, "sandbox");
  const daytona = await startOnPort(kept, (port) => startDaytona({ ...options, port }));
  await stopping.add(() => daytona.close());
  await keepPort(state, "sandbox", daytona.port);
  const isolation =
    daytona.isolation === "bubblewrap" ? "isolated with bubblewrap" : `NOT isolated (${daytona.isolationReason})`;
  return {
    settings: { DAYTONA_API_KEY: apiKey, DAYTONA_API_URL: daytona.apiUrl, DAYTONA_TARGET: "", DAYTONA_SNAPSHOT: "" },
    standIn: true,
    label: `folders and processes on this machine, ${isolation} (set DAYTONA_API_KEY to use Daytona)`,
    warnings: daytona.refusal ? [daytona.refusal] : [],
  };
}

async function startSearchStandIn(settings: Settings, state: State, stopping: Stopping): Promise<Backend> {
  const named = namedSearch(settings);
  if (named.length > 0) return { settings: {}, standIn: false, label: named.join(", "), warnings: [] };
  const search = await startOnPort(await readPort(state, "search"), (port) => startSearch({ port }));
  await stopping.add(() => search.close());
  await keepPort(state, "search", search.port);
  // Its pages are on this machine, which agents may not see otherwise.
  const origins = [settings.WEB_PRIVATE_ORIGINS ?? "", search.url].filter((origin) => origin.trim() !== "");
  return {
    settings: { SEARXNG_URL: search.url, WEB_PRIVATE_ORIGINS: origins.join(",") },
    standIn: true,
    label: `sample pages on this machine, not the web (set TAVILY_API_KEY or another search to use one)`,
    warnings: [],
  };
}

/** If the last start's port is still free it is used again, so that links given out earlier keep working. */
function startOnPort<Service>(kept: number, start: (port: number) => Promise<Service>): Promise<Service> {
  return start(kept).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EADDRINUSE") throw error;
    return start(0);
  });
}

function hostOf(url: string): string {
  return URL.parse(url)?.host ?? "an invalid URL";
}
