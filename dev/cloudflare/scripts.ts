// Workers: the first upload (`PUT`) makes a Worker and deploys it, later ones make a version that a deployment names.
import { randomUUID } from "node:crypto";
import { type Account, activeVersion, findScript, type Script, type Version } from "./account.ts";
import { answer, type Handler, readJson } from "./answers.ts";
import { ApiError } from "./api-error.ts";
import { checkTexts, classesAfter, type Metadata, readUpload } from "./uploads.ts";

const MAX_DEPLOYABLE = 100;

/** Whether a version starts; throws what is wrong. */
export type StartCheck = (account: Account, name: string, version: Version) => Promise<void>;

export function uploadScript(check: StartCheck): Handler {
  return async (exchange) => {
    const { account, params } = exchange;
    const name = readName(params.script);
    const existing = account.scripts.get(name) ?? null;
    const { version, metadata } = await readUpload(exchange, existing);
    await check(account, name, version);
    const script = existing ?? makeScript(name);
    applyMigrations(script, metadata);
    version.migration_tag = script.migration_tag;
    script.versions.push(version);
    script.settings = { ...script.settings, observability: metadata.observability ?? { enabled: false } };
    addDeployment(script, [{ version_id: version.id, percentage: 100 }], {}, metadata.code_update_strategy);
    account.scripts.set(name, script);
    return answer({ id: name, tag: script.tag, etag: version.id, startup_time_ms: 12, ...deploymentIds(version) });
  };
}

export function uploadVersion(check: StartCheck): Handler {
  return async (exchange) => {
    const { account, params } = exchange;
    const script = findScript(account, params.script);
    const { version, metadata } = await readUpload(exchange, script);
    if (metadata.migrations !== undefined) {
      throw new ApiError(
        400,
        10_211,
        "A version with Durable Object migrations can't be uploaded without deploying it",
      );
    }
    await check(account, script.name, version);
    script.versions.push(version);
    return answer({ ...viewVersion(version), startup_time_ms: 12 });
  };
}

export const listVersions: Handler = ({ account, params }) => {
  const { versions } = findScript(account, params.script);
  return answer({ items: versions.toReversed().map(viewVersion) });
};

export const readVersion: Handler = ({ account, params }) => {
  const found = findScript(account, params.script).versions.find(({ id }) => id === params.version);
  if (found === undefined) throw new ApiError(404, 10_009, "Version not found");
  return answer(viewVersion(found));
};

export const listDeployments: Handler = ({ account, params }) => {
  const { deployments } = findScript(account, params.script);
  return answer({ deployments });
};

export const createDeployment: Handler = ({ account, params, body, query }) => {
  const script = findScript(account, params.script);
  const { versions, annotations = {}, strategy, code_update_strategy } = readJson(body);
  const given = versions as { version_id: string; percentage: number }[];
  const found = given.map(({ version_id }) => script.versions.find(({ id }) => id === version_id));
  if (strategy !== "percentage" || found.includes(undefined)) throw new ApiError(404, 10_009, "Version not found");
  if (given.reduce((sum, { percentage }) => sum + percentage, 0) !== 100) {
    throw new ApiError(400, 10_212, "The percentages of a deployment must be 100 together");
  }
  for (const version of found) checkReturn(account, script, version);
  const changed = query.get("force") === "true" ? [] : changedSecrets(script, found[0]);
  if (changed.length > 0) {
    throw new ApiError(400, 10_220, `The following secrets have changed: ${changed.join(", ")}`);
  }
  return answer(addDeployment(script, given, annotations as Record<string, string>, code_update_strategy));
};

/** Only the newest versions can be deployed, and none from before classes or queues changed. */
function checkReturn({ queues }: Account, { versions, migration_tag }: Script, version: Version | undefined): void {
  if (version === undefined) return;
  if (versions.length - versions.indexOf(version) > MAX_DEPLOYABLE) {
    throw new ApiError(400, 10_213, `Only the ${MAX_DEPLOYABLE} newest versions can be deployed`);
  }
  if (version.migration_tag !== migration_tag) {
    throw new ApiError(400, 10_214, "A Durable Object migration has been made since that version");
  }
  const lost = version.bindings.find(
    ({ type, queue_name }) => type === "queue" && !queues.some((queue) => queue.queue_name === queue_name),
  );
  if (lost !== undefined) throw new ApiError(400, 100_104, `Queue "${lost.queue_name}" does not exist`);
}

/** Going back to a version brings its secrets back. */
function changedSecrets(script: Script, to: Version | undefined): string[] {
  const secrets = (version: Version | undefined): Map<string, unknown> =>
    new Map(
      (version?.bindings ?? []).filter(({ type }) => type === "secret_text").map(({ name, text }) => [name, text]),
    );
  const [now, then] = [secrets(activeVersion(script)), secrets(to)];
  if (to === undefined || to.number > (activeVersion(script)?.number ?? 0)) return [];
  return [...now].filter(([name, text]) => then.get(name) !== text).map(([name]) => name);
}

export const readService: Handler = ({ account, params }) => {
  const script = account.scripts.get(params.script ?? "");
  if (script === undefined) throw new ApiError(404, 10_090, "This service does not exist on your account.");
  const { tag, migration_tag, settings } = script;
  const environment = {
    environment: "production",
    script: { id: script.name, tag, migration_tag, tags: settings.tags ?? [], last_deployed_from: "wrangler" },
  };
  return answer({ id: script.name, default_environment: environment, environments: [environment] });
};

export const readSettings: Handler = ({ account, params }) => {
  const script = findScript(account, params.script);
  const bindings = (activeVersion(script)?.bindings ?? []).map(hideText);
  return answer({ ...script.settings, bindings });
};

export const changeSettings: Handler = ({ account, params, body }) => {
  const script = findScript(account, params.script);
  Object.assign(script.settings, readJson(body));
  return answer(script.settings);
};

export const listSecrets: Handler = ({ account, params }) => {
  const bindings = activeVersion(findScript(account, params.script))?.bindings ?? [];
  return answer(bindings.filter(({ type }) => type === "secret_text").map(hideText));
};

/** `wrangler secret put`: a new version with the secret, deployed at once. */
export const putSecret: Handler = ({ account, params, body }) => {
  const script = findScript(account, params.script);
  const { name, text } = readJson(body);
  const former = activeVersion(script);
  if (former === undefined || typeof name !== "string" || typeof text !== "string") {
    throw new ApiError(400, 10_001, "A secret needs a name and a text");
  }
  checkTexts(account, [...former.bindings, { name, type: "secret_text", text }]);
  const others = former.bindings.filter((binding) => binding.name !== name);
  const version = {
    ...former,
    ...{ id: randomUUID(), number: script.versions.length + 1, created_on: new Date().toISOString() },
    bindings: [...others, { name, type: "secret_text", text }],
  };
  script.versions.push(version);
  addDeployment(script, [{ version_id: version.id, percentage: 100 }], {}, undefined);
  return answer({ name, type: "secret_text" });
};

/** With its subdomain. */
export const readWorker: Handler = ({ account, params }) => {
  const script = findScript(account, params.script);
  return answer({ id: script.tag, name: script.name, subdomain: script.subdomain });
};

function makeScript(name: string): Script {
  return {
    ...{ name, tag: randomUUID().replaceAll("-", ""), migration_tag: null, classes: new Map() },
    ...{ versions: [], deployments: [], subdomain: { enabled: false, previews_enabled: false } },
    ...{ schedules: [], routes: [], domains: [], settings: {} },
  };
}

function applyMigrations(script: Script, metadata: Metadata): void {
  script.classes = classesAfter(script, metadata);
  script.migration_tag = metadata.migrations?.new_tag ?? script.migration_tag;
}

function addDeployment(
  script: Script,
  versions: { version_id: string; percentage: number }[],
  annotations: Record<string, string>,
  code_update_strategy: unknown,
): object {
  // wrangler sorts by time, and two deployments of a millisecond would be in any order.
  const before = Date.parse(script.deployments[0]?.created_on ?? "") || 0;
  const created_on = new Date(Math.max(Date.now(), before + 1)).toISOString();
  const made = {
    ...{ id: randomUUID(), created_on, source: "wrangler", strategy: "percentage", author_email: "ada@example.com" },
    ...{ versions, annotations, code_update_strategy },
  };
  script.deployments.unshift(made);
  return made;
}

/** wrangler takes the version's id out of this: 32 digits. */
function deploymentIds({ id }: Version): object {
  return { deployment_id: id.replaceAll("-", "") };
}

function readName(name: string | undefined): string {
  if (name !== undefined && /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(name)) return name;
  throw new ApiError(400, 10_016, "Invalid Worker name");
}

function hideText({ text: _, ...binding }: Record<string, unknown>): object {
  return binding;
}

function viewVersion({ id, number, created_on, bindings, compatibility_date, compatibility_flags }: Version): object {
  return {
    ...{
      id,
      number,
      metadata: { created_on, has_preview: false, source: "wrangler", author_email: "ada@example.com" },
    },
    annotations: {},
    resources: {
      bindings: bindings.map(hideText),
      script: { etag: id, handlers: ["fetch", "queue", "scheduled"] },
      script_runtime: { compatibility_date, compatibility_flags },
    },
  };
}
