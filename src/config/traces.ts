// Where traces go, by the names that OpenTelemetry's own libraries read. A wrong value turns traces off and warns: no
// run depends on them.
import { readHeaderSetting, readModelServers, SettingProblem } from "./model-servers.ts";

export interface TraceSettings {
  /** The whole address that spans are posted to. */
  url: string;
  headers: Record<string, string>;
  service_name: string;
  resource: Record<string, string>;
  /** The share of runs that are traced, from 0 to 1. */
  ratio: number;
  /** Whether spans have what people, models and tools said. */
  has_content: boolean;
  /** What no span may contain. */
  secrets: string[];
}

export interface TraceReading {
  /** Null if no address is set, or a setting is wrong. */
  traces: TraceSettings | null;
  trace_problem: string | null;
}

const MAX_PAIRS = 32;
const MAX_VALUE = 4_096;
const headerName = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/;
/** What every request has anyhow. Two of one, or another length than the body's, is a request that nobody answers. */
const setByUs = /^(?:host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|content-.*|proxy-.*)$/;
const printable = /^[\x20-\x7e]*$/;
const SUFFIX = "/v1/traces";

export function readTraceSettings(env: object): TraceReading {
  const given = new Map(Object.entries(env).map(([name, value]) => [name, String(value ?? "").trim()]));
  const read = (name: string) => given.get(name) ?? "";
  const address = read("OTEL_EXPORTER_OTLP_ENDPOINT");
  if (address === "") return { traces: null, trace_problem: null };
  try {
    const given_headers = readPairs("OTEL_EXPORTER_OTLP_HEADERS", read("OTEL_EXPORTER_OTLP_HEADERS"));
    const headers = Object.fromEntries(
      Object.entries(given_headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
    const wrong = Object.entries(headers).find(([name, value]) => !headerName.test(name) || !printable.test(value));
    if (wrong !== undefined) throw problem("OTEL_EXPORTER_OTLP_HEADERS", "has a name or value that no header can have");
    if (Object.keys(headers).some((name) => setByUs.test(name))) {
      throw problem("OTEL_EXPORTER_OTLP_HEADERS", "has a header that each request has already");
    }
    const traces = {
      url: readAddress(address),
      headers,
      service_name: read("OTEL_SERVICE_NAME").slice(0, MAX_VALUE) || "taskloom",
      resource: readPairs("OTEL_RESOURCE_ATTRIBUTES", read("OTEL_RESOURCE_ATTRIBUTES")),
      ratio: readRatio(read("OTEL_TRACES_SAMPLER_ARG")),
      has_content: read("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT").toLowerCase() === "true",
      secrets: findSecrets(given, headers),
    };
    return { traces, trace_problem: null };
  } catch (error) {
    if (!(error instanceof SettingProblem)) throw error;
    return { traces: null, trace_problem: error.message };
  }
}

/** People paste the address with or without the path of traces. */
function readAddress(given: string): string {
  const url = URL.parse(given);
  if (url === null || !/^https?:$/.test(url.protocol) || given.length > MAX_VALUE) {
    throw problem("OTEL_EXPORTER_OTLP_ENDPOINT", "must be an http or https address");
  }
  if (url.username !== "" || url.password !== "") {
    throw problem("OTEL_EXPORTER_OTLP_ENDPOINT", "must have no user in it: use OTEL_EXPORTER_OTLP_HEADERS");
  }
  const path = url.pathname.replace(/(?<!\/)\/+$/, "");
  url.pathname = path.endsWith(SUFFIX) ? path : `${path}${SUFFIX}`;
  url.hash = "";
  return url.href;
}

/** `name=value,name=value`, where a value may be percent-encoded: the form of W3C Baggage. */
function readPairs(setting: string, given: string): Record<string, string> {
  const pairs = given.split(",").filter((pair) => pair.trim() !== "");
  if (pairs.length > MAX_PAIRS) throw problem(setting, `may have ${MAX_PAIRS} pairs at most`);
  return Object.fromEntries(
    pairs.map((pair, place) => {
      const [, name = "", encoded = ""] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
      const value = decode(encoded.trim());
      if (name.trim() === "" || value === null || value.length > MAX_VALUE) {
        throw problem(setting, `is wrong at place ${place + 1}: it takes name=value, separated by commas`);
      }
      return [name.trim(), value];
    }),
  );
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function readRatio(given: string): number {
  const ratio = given === "" ? 1 : Number(given);
  if (!(ratio >= 0 && ratio <= 1)) throw problem("OTEL_TRACES_SAMPLER_ARG", "must be a number from 0 to 1");
  return ratio;
}

function problem(setting: string, words: string): SettingProblem {
  return new SettingProblem(`${setting} ${words}. No traces are sent.`);
}

/** By their names, so that a secret of a setting to come is one, too. Of JSON, what is a secret in it. */
const secretName = /(?:_KEY|_SECRET|_TOKEN|_PASSWORD)$/;

function findSecrets(settings: ReadonlyMap<string, string>, headers: Record<string, string>): string[] {
  const values = [...settings].flatMap(([name, value]) => (secretName.test(name) ? [value, ...value.split(",")] : []));
  const all = [...values, ...Object.values(headers), ...findInServers(settings)];
  return [...new Set(all.map((part) => part.trim()))].filter(({ length }) => length >= MIN_SECRET);
}

/** As many characters as a word of an ordinary sentence seldom has. */
const MIN_SECRET = 8;

function findInServers(settings: ReadonlyMap<string, string>): string[] {
  try {
    const servers = [...readModelServers(settings.get("MODEL_SERVERS")).values()];
    const ofServers = servers.flatMap(({ api_key, gateway_token, headers }) => [
      ...[api_key, gateway_token].filter((key) => key !== null),
      ...Object.values(headers),
    ]);
    return [...ofServers, ...Object.values(readHeaderSetting(settings.get("MODEL_HEADERS")))];
  } catch (error) {
    // Runs fail with what is wrong, so nothing is sent to a model.
    if (error instanceof SettingProblem) return [];
    throw error;
  }
}
