// The rules of the code. Each is a pure function from the sources to its violations. A violation is one sentence that
// names the file and says what is wrong.
import { type Import, isTest, readImports, type Source } from "./sources.ts";

export type Rule = (sources: Source[]) => string[];

const implementationFolders = ["src/models", "src/sandboxes", "src/tools"];

/**
 * The floors from the bottom up, and the rooms (folders or files) on each. A room imports from lower floors and from
 * itself, and never from another room of its floor. The longest name counts: `src/slack/routes` is not part of
 * `src/slack`. A feature is a folder whose pure part is below the thread and whose routes and jobs are above it.
 * `src/web` is on no floor, because it knows the server's API only.
 */
const floors: string[][] = [
  ["src/protocol", "src/lib"],
  ["src/config"],
  ["src/config.ts"],
  ["src/agent"],
  ["src/models", "src/sandboxes", "src/tools", "src/store"],
  ["src/secrets", "src/accounts"],
  [
    "src/slack",
    "src/triggers",
    "src/webhooks",
    "src/projects",
    "src/sign-in",
    "src/budgets",
    "src/monitor",
    "src/traces",
  ],
  ["src/mirrors.ts"],
  ["src/thread"],
  ["src/http/keys", "src/http/paths", "src/http/quotas", "src/http/input"],
  ["src/http"],
  ["src/http/run-stream", "src/http/sessions", "src/http/audit", "src/http/lists"],
  [
    ...["src/http/routes", "src/http/ag-ui", "src/http/docs"],
    ...["src/slack/routes", "src/triggers/routes", "src/webhooks/routes"],
    ...["src/projects/routes", "src/projects/previews/routes", "src/sign-in/routes", "src/accounts/routes"],
    ...["src/budgets/routes", "src/monitor/routes", "src/retention/routes"],
  ],
  ["src/account-parts.ts"],
  ["src/app.ts", "src/jobs.ts", "src/sweeps.ts"],
  ["src/index.ts"],
];

/** The routes of features. Those of `src/http` are part of that room. */
const routes = floors
  .flat()
  .filter((name) => name.endsWith("/routes") && !name.startsWith("src/http/"))
  .map((name) => `${name}/`);

/** The rooms that may import a package and its subpaths. */
const packageRooms: { packages: RegExp; rooms: string[] }[] = [
  { packages: /^(hono|@hono\/.*)$/, rooms: ["src/http/", "src/app.ts", ...routes] },
  { packages: /^drizzle-orm$/, rooms: ["src/store/"] },
  { packages: /^jose$/, rooms: ["src/sign-in/"] },
  { packages: /^openai$/, rooms: ["src/models/"] },
  { packages: /^@daytonaio\/sdk$/, rooms: ["src/sandboxes/"] },
  { packages: /^cloudflare:.*$/, rooms: ["src/index.ts", "src/thread/object.ts"] },
];

const environmentRooms = [
  "src/accounts/part.ts",
  "src/config.ts",
  "src/index.ts",
  "src/thread/object.ts",
  "src/thread/stub.ts",
  "src/triggers/routes/start-run.ts",
  "src/http/",
  "src/app.ts",
  "src/jobs.ts",
  "src/sweeps.ts",
  ...routes,
];

/** The rooms that make the first request of a run. */
const evaluatedRooms = ["src/protocol/", "src/lib/", "src/config", "src/agent/", "src/models/", "src/tools/"];

/** The settings of models and of the web tools, and what is wrong with them, which `npm start` says before it starts. */
const checkedAtStart = [
  ...["src/config/models.ts", "src/config/search.ts", "src/config/fetch.ts", "src/config/key-length.ts"],
  ...["src/config/limits.ts", "src/config/sign-in.ts", "src/config/quotas.ts", "src/config/place.ts"],
  ...["src/config/traces.ts", "src/config/retention.ts"],
  "src/models/servers.ts",
  "src/config/caps.ts",
];

/** How servers of models and searches are asked, so that `npm run setup` asks them as the server will. */
const checkedAtSetup = [
  ...["src/config/models.ts", "src/config/model-servers.ts", "src/config/search.ts", "src/agent/spending.ts"],
  "src/lib/network/bounded-body.ts",
  ...["src/models/exchange/address.ts", "src/models/profiles/servers.ts"],
  ...["src/tools/web/search/list.ts", "src/tools/web/search/open-service.ts", "src/tools/web/search/search-service.ts"],
];

const lineCeiling = 600;

/** Returns null if the file is in no room. */
function roomOf(path: string): { name: string; floor: number } | null {
  const rooms = floors.flatMap((names, floor) => names.map((name) => ({ name, floor })));
  const found = rooms.filter(({ name }) => path === name || path.startsWith(`${name}/`));
  return found.sort((one, other) => other.name.length - one.name.length)[0] ?? null;
}

function importsOf(sources: Source[], pick: (path: string) => boolean): { path: string; used: Import }[] {
  return sources
    .filter(({ path }) => pick(path))
    .flatMap((source) => readImports(source).map((used) => ({ path: source.path, used })));
}

/** `src` without the web page and tests. */
function isServer(path: string): boolean {
  return path.startsWith("src/") && !path.startsWith("src/web/") && !isTest(path);
}

function startsWithOne(path: string, prefixes: string[]): boolean {
  return prefixes.some((prefix) => path.startsWith(prefix));
}

/** A file imports only from floors below its own, or from its own room. */
export const floorRule: Rule = (sources) =>
  importsOf(sources, isServer).flatMap(({ path, used }) => {
    if (used.target === null) return [];
    const [own, other] = [roomOf(path), roomOf(used.target)];
    if (own === null) return [`${path}: is on no floor`];
    if (other === null) return [`${path}: imports ${used.target}, which is on no floor`];
    if (own.name === other.name || other.floor < own.floor) return [];
    return [`${path} (floor ${own.floor}) imports ${used.target} (floor ${other.floor})`];
  });

/** A folder directly under `src/http` that no floor names would count as what all routes share. */
export const httpFolderRule: Rule = (sources) => {
  const folders = sources.flatMap(({ path }) => /^src\/http\/[^/]+(?=\/)/.exec(path)?.[0] ?? []);
  const named = new Set(floors.flat());
  return [...new Set(folders)].filter((folder) => !named.has(folder)).map((folder) => `${folder}: is on no floor`);
};

/** Imports form no cycle, type imports included: files in a cycle can't be read, moved or tested alone. */
export const cycleRule: Rule = (sources) => {
  const targets = new Map(
    sources.map((source) => [source.path, readImports(source).flatMap(({ target }) => target ?? [])] as const),
  );
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, importers: string[]): void => {
    const place = importers.indexOf(path);
    if (place >= 0) found.push(`${[...importers.slice(place), path].join(" > ")}: imports form a cycle`);
    if (place >= 0 || done.has(path)) return;
    for (const target of targets.get(path) ?? []) visit(target, [...importers, path]);
    done.add(path);
  };
  for (const path of targets.keys()) visit(path, []);
  return found;
};

const folderCeiling = 20;

/** A folder stays small enough to read its list of files at a glance. */
export const folderSizeRule: Rule = (sources) => {
  const counts = new Map<string, number>();
  for (const { path } of sources.filter(({ path }) => isServer(path))) {
    const folder = path.slice(0, path.lastIndexOf("/"));
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count > folderCeiling)
    .map(([folder, count]) => `${folder}: has ${count} files; at most ${folderCeiling}`);
};

const sharedParsers = ["src/lib/citations.ts", "src/lib/json/patch.ts", "src/agent/checks/describe.ts"];

/**
 * The page and the programs of `dev` know the server by its API, so they import only types of `src/protocol`. `npm run
 * ask` shares the page's API client. The evaluation of the prompt is not a client: it sends a model what the server
 * would send, so it imports the rooms that make the request. What a citation, a change of the state and a check is, the
 * page and the server must read alike.
 */
export const outsideRule: Rule = (sources) => {
  const isOutside = (path: string): boolean => startsWithOne(path, ["src/web/", "dev/"]) && !isTest(path);
  return importsOf(sources, isOutside).flatMap(({ path, used }) => {
    const target = used.target ?? "";
    const own = path.startsWith("src/web/") ? "src/web/" : "dev/";
    if (used.target === null || target.startsWith(own) || !target.startsWith("src/")) return [];
    if (target.startsWith("src/protocol/") && used.typeOnly) return [];
    if (path.startsWith("src/web/") && sharedParsers.includes(target)) return [];
    if (target.startsWith("src/web/client/") && path.startsWith("dev/ask")) return [];
    if (path === "dev/start/settings.ts" && checkedAtStart.includes(target)) return [];
    if (path === "dev/setup/checks.ts" && checkedAtSetup.includes(target)) return [];
    if (path.startsWith("dev/deploy/") && target === "src/config/place.ts") return [];
    if (path.startsWith("dev/eval/") && startsWithOne(target, evaluatedRooms)) return [];
    return [`${path}: imports ${target}; only types of src/protocol may be imported here`];
  });
};

export const packageRule: Rule = (sources) =>
  importsOf(sources, isServer).flatMap(({ path, used }) => {
    if (used.target !== null) return [];
    const parts = used.specifier.split("/");
    const name = parts.slice(0, used.specifier.startsWith("@") ? 2 : 1).join("/");
    const room = packageRooms.find(({ packages }) => packages.test(name));
    if (!room || startsWithOne(path, room.rooms)) return [];
    return [`${path}: imports ${used.specifier}, which belongs in ${room.rooms.join(", ")}`];
  });

const environmentImport = /import\s+(?:type\s+)?\{[^}]*\bEnv\b[^}]*\}\s*from\s*["'][^"']*config\.ts["']/;

export const environmentRule: Rule = (sources) =>
  sources
    .filter(({ path, text }) => isServer(path) && (environmentImport.test(text) || /\bCloudflare\.Env\b/.test(text)))
    .filter(({ path }) => !startsWithOne(path, environmentRooms))
    .map(({ path }) => `${path}: takes Env; only ${environmentRooms.join(", ")} may, others are given plain settings`);

export const sizeRule: Rule = (sources) =>
  sources
    .map(({ path, text }) => ({ path, lines: text.replace(/\n$/, "").split("\n").length }))
    .filter(({ lines }) => lines > lineCeiling)
    .map(({ path, lines }) => `${path}: has ${lines} lines; at most ${lineCeiling}`);

/** Every implementation is reachable from its folder's `index.ts`, which registers them. */
export const registrationRule: Rule = (sources) =>
  implementationFolders.flatMap((folder) => {
    const implementations = new Map(
      sources
        .filter(({ path }) => path.startsWith(`${folder}/`) && !isTest(path) && !path.endsWith(".d.ts"))
        .map((source) => [source.path, source]),
    );
    const reached = new Set<string>();
    const visit = (path: string): void => {
      const source = implementations.get(path);
      if (!source || reached.has(path)) return;
      reached.add(path);
      for (const { target } of readImports(source)) if (target !== null) visit(target);
    };
    visit(`${folder}/index.ts`);
    return [...implementations.keys()]
      .filter((path) => !reached.has(path))
      .map((path) => `${path}: is not registered in ${folder}/index.ts`);
  });

/** A Worker's entry, configuration files, and what stands in for a package that has one. */
const needsDefaultExport = /^src\/index\.ts$|^test\/.*-worker\.ts$|(^|\/)[\w-]+\.config\.ts$|^scripts\/bundle\//;

/** Nothing else is imported by a name of the importer's choice. */
export const defaultExportRule: Rule = (sources) =>
  sources
    .filter(({ path }) => !needsDefaultExport.test(path))
    .filter(({ text }) => /^export\s+default\b|^export\s*\{[^}]*\bas\s+default\b/m.test(text))
    .map(({ path }) => `${path}: has a default export`);

/** The server knows stand-ins by their addresses only. `/dev/null` is not a stand-in. */
export const standInRule: Rule = (sources) =>
  sources
    .filter(({ path, text }) => isServer(path) && /\bscripted\b|(?<![\w/.])(?:\.\.?\/)*dev\/[a-z]/i.test(text))
    .map(({ path }) => `${path}: knows what only dev/ may know (“scripted”, “dev/…”)`);

/** Every sandbox provider and its SDK by name, and the one folder that knows it. */
const providerFolders: Record<string, string> = {
  daytona: "src/sandboxes/daytona/",
  daytonaio: "src/sandboxes/daytona/",
};

/** The registry with its test, and the settings. */
const everyProviderRooms = ["src/sandboxes/index.ts", "src/sandboxes/index.test.ts", "src/config.ts"];

/** `name` as a word: also in `createBoxesProvider` and `BOXES_URL`, but not in `sandboxes` or a host in `.example`. */
function wordPattern(name: string): RegExp {
  const [capitalized, upper] = [`${name.charAt(0).toUpperCase()}${name.slice(1)}`, name.toUpperCase()];
  return new RegExp(`(?:(?<![A-Za-z\\d])${name}|(?<![A-Z])(?:${capitalized}|${upper}))(?![a-z]|\\.example\\b)`);
}

/**
 * A second sandbox provider takes one folder and one line, because all other files, tests too, know only the port. The
 * page may name the missing setting to people.
 */
export function providerRule(sources: Source[], folders = providerFolders): string[] {
  return Object.entries(folders).flatMap(([name, folder]) => {
    const [rooms, word] = [[folder, ...everyProviderRooms], wordPattern(name)];
    const setting = new RegExp(`\\b${name.toUpperCase()}_[A-Z\\d_]+`, "g");
    return sources
      .filter(({ path }) => path.startsWith("src/") && !startsWithOne(path, rooms))
      .filter(({ path, text }) => word.test(path.startsWith("src/web/") ? text.replace(setting, "") : text))
      .map(({ path }) => `${path}: names ${name}; only ${rooms.join(", ")} may, others know src/sandboxes/provider.ts`);
  });
}

/** The thread knows no mirror by name, so a second mirror takes one folder and one line in `src/mirrors.ts`. */
export const mirrorRule: Rule = (sources) =>
  sources
    .filter(({ path, text }) => isServer(path) && path.startsWith("src/thread/") && /slack/i.test(text))
    .map(({ path }) => `${path}: names Slack; what only Slack needs belongs in src/slack, behind RunMirror`);

export const folderNameRule: Rule = (sources) => {
  const forbidden = /(?:^|\/)(utils?|helpers?|services?|controllers?|managers?|base|common|misc)(?:\/|\.tsx?$)/;
  return sources.flatMap(({ path }) => {
    const name = forbidden.exec(path)?.[1];
    return name ? [`${path}: “${name}” says nothing about what is inside`] : [];
  });
};
