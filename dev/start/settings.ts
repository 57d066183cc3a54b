// The Worker's settings, from the environment and `.dev.vars`; the environment takes precedence. They reach the
// Worker's process through its channel, since every user can read a process's arguments.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { readCapSettings } from "../../src/config/caps.ts";
import { readFetchSettings } from "../../src/config/fetch.ts";
import { describeShortKeys, MIN_KEY_CHARACTERS } from "../../src/config/key-length.ts";
import { readOperatorLimits } from "../../src/config/limits.ts";
import { readModelSettings } from "../../src/config/models.ts";
import { readPlaceSettings } from "../../src/config/place.ts";
import { readQuotaSettings } from "../../src/config/quotas.ts";
import { readRetentionSettings } from "../../src/config/retention.ts";
import { readSearchSettings } from "../../src/config/search.ts";
import { describeSignIn, readSignInSettings } from "../../src/config/sign-in.ts";
import { readTraceSettings } from "../../src/config/traces.ts";
// Not from the room's index, which brings OpenAI's client: 300 modules that a start would load for nothing.
import { findRoute, findSettingProblem } from "../../src/models/servers.ts";
import { settingNames } from "./setting-names.ts";

export type Settings = Record<string, string>;

/** Throws an error with a message for people where the server would not work with the settings. */
export async function readSettings(root: string, environment: NodeJS.ProcessEnv): Promise<Settings> {
  const settings: Settings = {};
  for (const [name, value] of Object.entries(parseEnv(await readVariables(root)))) if (value) settings[name] = value;
  for (const name of settingNames) {
    const value = environment[name];
    if (value === undefined) continue;
    // `OPENAI_API_KEY= npm start` selects the stand-in although .dev.vars has a key.
    if (value.trim() === "") delete settings[name];
    else settings[name] = value;
  }
  if (settings.JURISDICTION)
    throw new Error("JURISDICTION is for a deployment on Cloudflare: this machine has one place");
  checkSettings(settings);
  return settings;
}

/** Throws an error with a message for people that quotes no value. */
export function checkSettings(settings: Settings): void {
  const images = settings.IMAGE_URLS?.trim() || "public";
  if (images !== "public" && images !== "data") throw new Error('IMAGE_URLS must be "public" or "data"');
  // Without a key there is no default server, but its settings are there to be checked before it gets one.
  const problem =
    findSettingProblem(readModelSettings({ OPENAI_API_KEY: "any", ...settings })) ??
    readCapSettings(settings).problem ??
    readOperatorLimits(settings).problem ??
    readSearchSettings(settings).problem ??
    readFetchSettings(settings).problem ??
    readSignInSettings(settings).problem ??
    readPlaceSettings(settings).place_problem ??
    readQuotaSettings(settings).problem ??
    readTraceSettings(settings).trace_problem ??
    readRetentionSettings(settings).retention_problem;
  if (problem !== null) throw new Error(problem);
}

/**
 * Warnings of keys that can be guessed. Throws an error with a message for people where nothing has been made with such
 * a key yet: a new server begins with a long one.
 */
export function checkKeys(keys: { ADMIN_API_KEY: string; ENCRYPTION_KEY: string }, isNew: boolean): string[] {
  const [inUse = ""] = keys.ENCRYPTION_KEY.split(",");
  const short = describeShortKeys({ ADMIN_API_KEY: keys.ADMIN_API_KEY.trim(), ENCRYPTION_KEY: inUse.trim() });
  const [first] = short;
  if (!isNew || first === undefined) return short;
  const [name] = first.split(" ");
  const remedy = "`openssl rand -hex 32` makes one, and without the setting so does npm start.";
  throw new Error(`${name} needs at least ${MIN_KEY_CHARACTERS} characters for a new server. ${remedy}`);
}

/** What people see of sign-in in the banner; null without it. */
export function describeSignInSettings(settings: Settings): { name: string; warnings: string[] } | null {
  const reading = readSignInSettings(settings);
  return reading.settings === null ? null : { name: reading.settings.name, warnings: describeSignIn(reading) };
}

/** Where nobody else can sign in, nobody else's share needs protection. Your own QUOTAS takes this one's place. */
export function quotasOf(settings: Settings): Settings {
  return describeSignInSettings(settings) === null ? { QUOTAS: "off" } : {};
}

/** Settings of the server of OPENAI_BASE_URL, which the demo model, a plain server of chat completions, takes over. */
const ofDefaultServer = [
  "OPENAI_BASE_URL",
  "OPENAI_MODELS",
  "MODEL_PROFILE",
  "MODEL_API",
  "MODEL_HEADERS",
  "MODEL_EXTRA_BODY",
  "AI_GATEWAY_TOKEN",
];

/** What the demo model needs unset, and which of it somebody had set. It costs nothing. */
export function forDemoModel(settings: Settings, model: string): { settings: Settings; ignored: string[] } {
  const { MODEL_PRICES } = settings;
  const prices: Record<string, unknown> = { [model]: 0, ...(MODEL_PRICES?.trim() ? JSON.parse(MODEL_PRICES) : {}) };
  return {
    settings: {
      ...Object.fromEntries(ofDefaultServer.map((name) => [name, ""])),
      MODEL_PRICES: JSON.stringify(prices),
    },
    ignored: ofDefaultServer.filter((name) => settings[name]),
  };
}

/** The servers that MODEL_SERVERS names, and whether the default model is at one of them. */
export function namedServers(settings: Settings): { names: string[]; hasDefault: boolean } {
  const models = readModelSettings(settings);
  const routing = models.default_model === null ? null : findRoute(models, models.default_model);
  return { names: [...models.servers.keys()], hasDefault: routing?.ok === true && routing.route.server_name !== null };
}

/** The services that search the web, in the order in which they are asked. */
export function namedSearch(settings: Settings): string[] {
  return readSearchSettings(settings).services.map(({ name, model }) => (model ? `${model}'s own search` : name));
}

/** `localhost`, or a name with a dot in it that is no address; with or without a port. */
const domainShape = /^(?:localhost|(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])?)(?::\d{1,5})?$/;

/**
 * The domain of previews. By default under localhost: browsers resolve its subdomains to this machine. Throws an error
 * with a message for people.
 */
export function previewDomain({ PREVIEW_DOMAIN }: Settings, port: number): string {
  const domain = PREVIEW_DOMAIN?.trim().toLowerCase() || `localhost:${port}`;
  if (domainShape.test(domain) && URL.canParse(`https://${domain}`)) return domain;
  throw new Error("PREVIEW_DOMAIN must be a separate domain such as previews.example, without https:// or a path");
}

async function readVariables(root: string): Promise<string> {
  try {
    return await readFile(join(root, ".dev.vars"), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

/** Values that must not appear in a log. */
export function secretsOf(settings: Settings): string[] {
  const named = Object.entries(settings).filter(([name]) => /KEY|SECRET|TOKEN|PASSWORD/.test(name));
  const { default_server, servers } = readModelSettings(settings);
  const all = [default_server, ...servers.values()].filter((server) => server !== null);
  const ofServers = all.flatMap(({ api_key, gateway_token, headers }) => [
    ...[api_key ?? "", gateway_token ?? ""],
    ...Object.values(headers),
  ]);
  const secrets = [...named.map(([, value]) => value), ...ofServers];
  return [...new Set(secrets.filter((value) => value.length >= 4))];
}
