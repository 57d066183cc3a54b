// The longer part of `npm start`: reads the settings, starts what stands in for services, then the Worker, and says where
// it is.
import { relative } from "node:path";
import { readSecretFile } from "../secrets.ts";
import type { StartArguments } from "./arguments.ts";
import type { BuiltWorker } from "./build.ts";
import { applyMigrations, isMigrated } from "./migrations.ts";
import { holdPage } from "./page.ts";
import type { Place, Program } from "./processes.ts";
import {
  checkKeys,
  describeSignInSettings,
  previewDomain,
  quotasOf,
  readSettings,
  type Settings,
  secretsOf,
} from "./settings.ts";
import { findSignInKey } from "./sign-in-key.ts";
import { type Backends, startBackends } from "./stand-ins.ts";
import {
  adminKeyPath,
  findUserKeyFile,
  isNewState,
  readAdminKey,
  readEncryptionKey,
  removeAddress,
  type State,
  writeAddress,
} from "./state.ts";
import { type Sources, serveChanges } from "./watch.ts";
import { beginRuntime, startWorker } from "./worker.ts";

export interface Begun {
  /** The process that the first Worker gets. */
  runtime: Program;
  /** With `--watch`, the sources as they were before the first build. */
  sources: Sources | null;
  build(): Promise<BuiltWorker>;
  /** The first build. */
  built: Promise<BuiltWorker>;
}

/** Resolves when the server has stopped. */
export async function serve(place: Place, state: State, options: StartArguments, begun: Begun): Promise<void> {
  const { root, log, stopping } = place;
  const { port, inspectorPort } = options;
  const given = await readSettings(root, process.env);
  const PREVIEW_DOMAIN = previewDomain(given, port);
  const migrate = (worker: BuiltWorker) => applyMigrations(root, state, worker.options.d1Databases.DB.id);
  const isNew = await isNewState(state);
  // Before anything of the state is used: one of a version before 0.2.0 is refused.
  if (!isNew && !(await isMigrated(root, state))) await migrate(await begun.built);
  const keys = await readKeys(options, given, state);
  const { ADMIN_API_KEY: adminKey, ENCRYPTION_KEY: encryptionKey } = keys;
  const notes = checkKeys(keys, isNew);
  log.open([...secretsOf(given), adminKey, encryptionKey]);

  const [{ settings: found, ...backends }, worker] = await Promise.all([
    startBackends(given, state, options.hostExecAllowed, stopping),
    begun.built,
  ]);
  const settings = { ...quotasOf(given), ...given, ...found, ...keys, PREVIEW_DOMAIN };
  const start = async (worker: BuiltWorker, program: Program): Promise<Program> => {
    await startWorker(place, program, { root, worker, data: state.data, port, settings, inspectorPort });
    // The Worker's runtime reads the page's files when they are asked for.
    void program.ended.then(holdPage(worker.options.assets.directory));
    return program;
  };
  await migrate(worker);
  const program = await start(worker, begun.runtime);
  const url = `http://127.0.0.1:${port}`;
  const { key, notes: more } = await findSignInKey({ url, admin_key: adminKey, file: await findUserKeyFile(state) });
  log.hide(key);
  notes.push(...more);
  const isKept = options.apiKeyFile === null && given.ADMIN_API_KEY === undefined;
  if (key !== adminKey && isKept) notes.push(`ADMIN_API_KEY, which manages users, is in ${adminKeyPath(state)}`);
  await writeAddress(state, { url, key, pid: process.pid });
  await stopping.add(() => removeAddress(state));
  const signIn = describeSignInSettings(settings);
  const warnings = [...backends.warnings, ...notes, ...(signIn?.warnings ?? [])];
  console.log(describe(options, key, state, { ...backends, warnings, signIn: signIn?.name ?? null }));
  console.log(`ready on http://localhost:${port}`);
  const { sources, build } = begun;
  if (sources === null) await program.ended;
  else {
    const again = async (worker: BuiltWorker) => start(worker, await beginRuntime(place, state));
    await serveChanges(place, sources, { worker, program }, { build, migrate, start: again });
  }
}

async function readKeys(
  { apiKeyFile }: StartArguments,
  given: Settings,
  state: State,
): Promise<{ ADMIN_API_KEY: string; ENCRYPTION_KEY: string }> {
  const inFile = apiKeyFile === null ? null : await readSecretFile("--api-key-file", apiKeyFile);
  return {
    ADMIN_API_KEY: inFile ?? given.ADMIN_API_KEY ?? (await readAdminKey(state)),
    ENCRYPTION_KEY: given.ENCRYPTION_KEY ?? (await readEncryptionKey(state)),
  };
}

function describe(
  { port, watched, inspectorPort }: StartArguments,
  key: string,
  state: State,
  backends: Omit<Backends, "settings"> & { signIn: string | null },
): string {
  const data = relative(process.cwd(), state.data) || ".";
  return [
    "",
    "  Taskloom",
    "",
    `  open     http://localhost:${port}/#key=${encodeURIComponent(key)}`,
    `  key      ${key}`,
    `  model    ${backends.model}`,
    `  sandbox  ${backends.sandbox}`,
    `  search   ${backends.search}`,
    ...(backends.signIn === null ? [] : [`  sign-in  ${backends.signIn}, at http://localhost:${port}/auth/sign-in`]),
    `  data     ${data.startsWith("..") ? state.data : data}`,
    ...backends.warnings.map((warning) => `  note     ${warning}`),
    ...(watched ? ["  note     for development: the server restarts whenever a source file changes."] : []),
    ...(inspectorPort === null
      ? []
      : [
          `  note     every page and program on this machine can read the Worker's memory and keys on port ${inspectorPort}.`,
        ]),
    "",
    `  In a second terminal: npm run ask -- "帮我做一个电商网站"`,
    "",
  ].join("\n");
}
