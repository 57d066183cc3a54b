// What comes with a Worker: its modules, its bindings and how it runs. Refused is what the real API refuses, so that a
// mistake shows here and not at the first real deploy.
import { randomUUID } from "node:crypto";
import { gzipSync } from "node:zlib";
import { type Account, activeVersion, type Binding, findQueue, type Script, type Version } from "./account.ts";
import type { Exchange } from "./answers.ts";
import { ApiError } from "./api-error.ts";
import { readForm, takeFiles } from "./assets.ts";

const MAX_GZIP_BYTES = { paid: 10 * 1024 * 1024, free: 3 * 1024 * 1024 };
const MAX_BINDINGS = 1000;
/** Vars and secrets. */
const MAX_TEXTS = { paid: 128, free: 64 };
const MAX_TEXT_BYTES = 5 * 1024;
const MAX_RULES = 100;
const MAX_RULE_CHARACTERS = 100;
const MAX_CPU_MS = 300_000;
const MAX_SUBREQUESTS = 10_000_000;

export interface Metadata {
  main_module?: string;
  bindings?: Binding[];
  compatibility_date?: string;
  compatibility_flags?: string[];
  keep_bindings?: string[];
  migrations?: { old_tag?: string; new_tag: string; steps: Record<string, unknown>[] };
  limits?: Record<string, number>;
  annotations?: Record<string, string>;
  observability?: unknown;
  code_update_strategy?: { mode?: string; max_delay?: number };
  assets?: { jwt: string; config: Record<string, unknown> };
}

export async function readUpload(
  exchange: Exchange,
  script: Script | null,
): Promise<{ version: Version; metadata: Metadata }> {
  const form = await readForm(exchange.headers, exchange.body);
  const metadata = JSON.parse(String(form.get("metadata") ?? "null")) as Metadata | null;
  if (metadata === null) throw invalid("metadata is missing");
  const modules: Version["modules"] = new Map();
  for (const [name, value] of form) {
    if (value instanceof File) modules.set(name, { type: value.type, content: Buffer.from(await value.arrayBuffer()) });
  }
  const { account } = exchange;
  checkCode(account, metadata, modules);
  checkRuntime(account, metadata);
  const version: Version = {
    ...{ id: randomUUID(), number: (script?.versions.length ?? 0) + 1, created_on: new Date().toISOString() },
    ...{ main_module: metadata.main_module ?? "", modules },
    bindings: checkBindings(exchange, metadata, script),
    compatibility_date: metadata.compatibility_date ?? "",
    compatibility_flags: metadata.compatibility_flags ?? [],
    limits: metadata.limits ?? {},
    ...{ assets: null, migration_tag: script?.migration_tag ?? null },
  };
  if (metadata.assets !== undefined) {
    checkRules(metadata.assets.config.run_worker_first);
    version.assets = { files: takeFiles(exchange, metadata.assets.jwt), config: metadata.assets.config };
  }
  return { version, metadata };
}

function checkCode({ is_paid }: Account, { main_module: main }: Metadata, modules: Version["modules"]): void {
  const code = [...modules.values()].filter(({ type }) => type !== "application/source-map");
  if (main === undefined || modules.get(main)?.type !== "application/javascript+module") {
    throw invalid(`the main module ${main} is not in the upload`);
  }
  const size = gzipSync(Buffer.concat(code.map(({ content }) => content))).length;
  if (size > (is_paid ? MAX_GZIP_BYTES.paid : MAX_GZIP_BYTES.free)) {
    throw new ApiError(413, 10_027, "Your Worker exceeded the size limit");
  }
}

function checkRuntime({ is_paid }: Account, metadata: Metadata): void {
  const { compatibility_date: date = "", limits = {}, code_update_strategy: strategy } = metadata;
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date) || date > new Date().toISOString().slice(0, 10)) {
    throw invalid(`Can't set compatibility date in the future: ${date}`);
  }
  if (Object.keys(limits).length > 0 && !is_paid) {
    throw new ApiError(400, 100_328, "CPU limits are not supported for the Free plan.");
  }
  for (const [name, most] of Object.entries({ cpu_ms: MAX_CPU_MS, subrequests: MAX_SUBREQUESTS })) {
    const value = limits[name];
    if (value !== undefined && !(value >= 1 && value <= most))
      throw invalid(`limits.${name} must be from 1 to ${most}`);
  }
  checkSampling(metadata.observability);
  if (strategy?.mode !== undefined && !["deferred", "immediate"].includes(strategy.mode)) {
    throw invalid(`unknown code_update_strategy ${strategy.mode}`);
  }
  const delay = strategy?.max_delay;
  if (delay !== undefined && !(delay >= 0 && delay <= 86_400)) throw invalid("max_delay must be from 0 to 86400");
}

function checkSampling(given: unknown): void {
  const rates = given as { head_sampling_rate?: number; [part: string]: unknown } | undefined;
  for (const part of [rates, rates?.logs, rates?.traces] as (typeof rates)[]) {
    const rate = part?.head_sampling_rate;
    if (rate !== undefined && !(rate >= 0 && rate <= 1)) throw invalid("head_sampling_rate must be from 0 to 1");
  }
}

/** A switch, or a list of paths of which those behind `!` are exceptions. */
function checkRules(rules: unknown): void {
  if (rules === undefined || typeof rules === "boolean") return;
  const list = Array.isArray(rules) ? rules.map(String) : [];
  const isWrong = list.some((rule) => !/^!?\//.test(rule) || rule.length > MAX_RULE_CHARACTERS);
  const hasRule = list.some((rule) => rule.startsWith("/"));
  if (isWrong || !hasRule || list.length > MAX_RULES) throw invalid("run_worker_first is invalid");
}

/** As they are kept: with the secrets of the version before, which an upload never takes away. */
function checkBindings(exchange: Exchange, metadata: Metadata, script: Script | null): Binding[] {
  const { account } = exchange;
  const former = (script && (activeVersion(script) ?? script.versions.at(-1)))?.bindings ?? [];
  const given = (metadata.bindings ?? []).map((binding) =>
    binding.type === "inherit" ? inherit(binding, former) : binding,
  );
  const names = given.map(({ name }) => name);
  const kept = former.filter(
    ({ name, type }) => (metadata.keep_bindings ?? []).includes(type) && !names.includes(name),
  );
  const clash = former.find(
    ({ name, type }) =>
      type === "secret_text" && given.some((each) => each.name === name && each.type === "plain_text"),
  );
  const twice = clash?.name ?? names.find((name, place) => names.indexOf(name) !== place);
  if (twice !== undefined) {
    throw new ApiError(
      400,
      10_053,
      `Binding name '${twice}' already in use. Please use a different name and try again.`,
    );
  }
  const all = [...given, ...kept];
  if (all.length > MAX_BINDINGS) throw invalid("too many bindings");
  checkTexts(account, all);
  const classes = classesAfter(script, metadata);
  for (const binding of given) checkBinding(account, binding, classes);
  return all;
}

export function checkTexts({ is_paid }: Account, all: Binding[]): void {
  const texts = all.filter(({ type }) => type === "plain_text" || type === "secret_text");
  if (new Set(texts.map(({ name }) => name)).size > (is_paid ? MAX_TEXTS.paid : MAX_TEXTS.free)) {
    throw invalid("too many text bindings");
  }
  const large = texts.find(({ text }) => Buffer.byteLength(String(text)) > MAX_TEXT_BYTES);
  if (large !== undefined) throw invalid(`text binding ${large.name} exceeded size limit of 5 KB`);
  const odd = texts.find(({ name }) => !/^[\w-]+$/.test(name));
  if (odd !== undefined) throw invalid(`invalid binding name ${odd.name}`);
}

function inherit({ name }: Binding, former: Binding[]): Binding {
  const found = former.find((each) => each.name === name);
  if (found !== undefined) return found;
  throw new ApiError(400, 10_057, `inherit binding '${name}' is invalid: the previous version has no such binding`);
}

function checkBinding(account: Account, binding: Binding, classes: Map<string, boolean>): void {
  const { name, type } = binding;
  if (type === "d1" && !account.databases.some(({ uuid }) => uuid === binding.id)) {
    throw invalid(`binding ${name} of type d1 must have a valid \`id\` specified`);
  }
  if (type === "queue" && !findQueue(account, String(binding.queue_name))) {
    throw new ApiError(400, 100_104, `Queue "${binding.queue_name}" of binding ${name} does not exist`);
  }
  if (type === "durable_object_namespace" && !classes.has(String(binding.class_name))) {
    throw new ApiError(400, 10_061, `Cannot create binding for class '${binding.class_name}' that has no migration`);
  }
  if (type === "ratelimit") {
    const { limit, period } = binding.simple as { limit: number; period: number };
    const isId = /^[1-9]\d*$/.test(String(binding.namespace_id));
    if (!isId || !(limit > 0) || ![10, 60].includes(period))
      throw invalid(`binding ${name} of type ratelimit is invalid`);
  }
  if (!known.has(type)) throw invalid(`binding ${name} has the unknown type ${type}`);
}

/** Types that Taskloom's configuration has or may have. */
const known = new Set(
  "assets d1 durable_object_namespace json plain_text queue ratelimit secret_text service version_metadata".split(" "),
);

/** The classes of objects that there are once the upload's migrations are made. */
export function classesAfter(script: Script | null, { migrations }: Metadata): Map<string, boolean> {
  const classes = new Map(script?.classes ?? []);
  if (migrations === undefined) return classes;
  if ((migrations.old_tag ?? null) !== (script?.migration_tag ?? null)) {
    throw new ApiError(400, 10_079, `migration tag precondition failed; expected ${script?.migration_tag ?? "no tag"}`);
  }
  for (const step of migrations.steps) {
    for (const [kind, list] of Object.entries(step)) {
      if (kind !== "new_sqlite_classes" && kind !== "new_classes") throw invalid(`unknown migration ${kind}`);
      for (const name of list as string[]) {
        if (classes.has(name))
          throw new ApiError(400, 10_074, `Cannot apply new-class migration to class '${name}' that already exists`);
        classes.set(name, kind === "new_sqlite_classes");
      }
    }
  }
  return classes;
}

function invalid(message: string): ApiError {
  return new ApiError(400, 10_021, message);
}
