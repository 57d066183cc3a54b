// The rules of the house. Each is a pure function from the sources to its violations, one sentence each; the sentence
// names the file and says what would be right.
import { type Import, isTest, readImports, type Source } from "./sources.ts";

export type Rule = (sources: Source[]) => string[];

const shelves = ["src/models", "src/sandboxes", "src/tools"];

/**
 * Who may import whom, from the ground up: a room imports from floors below its own and from itself, so rooms of one floor never
 * meet. The longest name counts: `src/slack/routes` is no part of `src/slack`. A feature is a folder whose pure part stands below
 * the thread and whose routes and jobs stand above it. `src/web` is beside the house: it speaks HTTP only.
 */
const floors: string[][] = [
  ["src/protocol", "src/lib", "src/config.ts"],
  ["src/agent"],
  ["src/models", "src/sandboxes", "src/tools", "src/store"],
  ["src/secrets"],
  ["src/slack", "src/triggers", "src/webhooks", "src/projects"],
  ["src/mirrors.ts"],
  ["src/thread"],
  ["src/http"],
  [
    ...["src/http/routes", "src/http/ag-ui", "src/http/docs"],
    ...["src/slack/routes", "src/triggers/routes", "src/webhooks/routes"],
    ...["src/projects/routes", "src/projects/previews/routes"],
  ],
  ["src/app.ts", "src/jobs.ts", "src/sweeps.ts"],
  ["src/index.ts"],
];

/** Settings speak of the thread's contract in `Env`: the one import between rooms of one floor. */
const sameFloor = new Set(["src/config.ts > src/protocol"]);

const routes = [
  "src/slack/routes/",
  "src/triggers/routes/",
  "src/webhooks/routes/",
  "src/projects/routes/",
  "src/projects/previews/routes/",
];

/** Where a package may be imported. A prefix stands for its subpaths too. */
const packageRooms: { packages: RegExp; rooms: string[] }[] = [
  { packages: /^(hono|@hono\/.*)$/, rooms: ["src/http/", "src/app.ts", ...routes] },
  { packages: /^drizzle-orm$/, rooms: ["src/store/"] },
  { packages: /^openai$/, rooms: ["src/models/"] },
  { packages: /^@daytonaio\/sdk$/, rooms: ["src/sandboxes/"] },
  { packages: /^cloudflare:.*$/, rooms: ["src/index.ts", "src/thread/object.ts"] },
];

const environmentRooms = [
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

/** What the first request of a run is made by. */
const evaluatedRooms = ["src/protocol/", "src/lib/", "src/config.ts", "src/agent/", "src/models/", "src/tools/"];

const lineCeiling = 400;

/** Null where it is in no room. */
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

/** `src` without the web page and without tests. */
function isHouse(path: string): boolean {
  return path.startsWith("src/") && !path.startsWith("src/web/") && !isTest(path);
}

function startsWithOne(path: string, prefixes: string[]): boolean {
  return prefixes.some((prefix) => path.startsWith(prefix));
}

/** A file imports only from floors below its own, or from its own room. */
export const floorRule: Rule = (sources) =>
  importsOf(sources, isHouse).flatMap(({ path, used }) => {
    if (used.target === null) return [];
    const [own, other] = [roomOf(path), roomOf(used.target)];
    if (own === null) return [`${path}: is on no floor`];
    if (other === null) return [`${path}: imports ${used.target}, which is on no floor`];
    if (own.name === other.name || other.floor < own.floor || sameFloor.has(`${own.name} > ${other.name}`)) return [];
    return [`${path} (floor ${own.floor}) imports ${used.target} (floor ${other.floor})`];
  });

/** No file leads back to itself, by types neither: what stands in a circle can't be read, moved or tested by itself. */
export const cycleRule: Rule = (sources) => {
  const targets = new Map(
    sources.map((source) => [source.path, readImports(source).flatMap(({ target }) => target ?? [])] as const),
  );
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, way: string[]): void => {
    const place = way.indexOf(path);
    if (place >= 0) found.push(`${[...way.slice(place), path].join(" > ")}: imports lead in a circle`);
    if (place >= 0 || done.has(path)) return;
    for (const target of targets.get(path) ?? []) visit(target, [...way, path]);
    done.add(path);
  };
  for (const path of targets.keys()) visit(path, []);
  return found;
};

const folderCeiling = 20;

/** A folder is read at a glance, or it is several. */
export const crowdRule: Rule = (sources) => {
  const counts = new Map<string, number>();
  for (const { path } of sources.filter(({ path }) => isHouse(path))) {
    const folder = path.slice(0, path.lastIndexOf("/"));
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count > folderCeiling)
    .map(([folder, count]) => `${folder}: has ${count} files; at most ${folderCeiling}`);
};

/**
 * The page and the programs of `dev` know the server by its API: of `src`, only the vocabulary's types. What is a client
 * of that API in the page is one for `npm run ask` as well. The evaluation of the prompt is no client: it sends a model what
 * the server would send, so it takes that from the rooms that make it.
 */
export const outsideRule: Rule = (sources) => {
  const isOutside = (path: string): boolean => startsWithOne(path, ["src/web/", "dev/"]) && !isTest(path);
  return importsOf(sources, isOutside).flatMap(({ path, used }) => {
    const target = used.target ?? "";
    const own = path.startsWith("src/web/") ? "src/web/" : "dev/";
    if (used.target === null || target.startsWith(own) || !target.startsWith("src/")) return [];
    if (target.startsWith("src/protocol/") && used.typeOnly) return [];
    if (target.startsWith("src/web/client/") && path.startsWith("dev/ask")) return [];
    if (path.startsWith("dev/eval/") && startsWithOne(target, evaluatedRooms)) return [];
    return [`${path}: imports ${target}; only types of src/protocol may be imported here`];
  });
};

export const packageRule: Rule = (sources) =>
  importsOf(sources, isHouse).flatMap(({ path, used }) => {
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
    .filter(({ path, text }) => isHouse(path) && (environmentImport.test(text) || /\bCloudflare\.Env\b/.test(text)))
    .filter(({ path }) => !startsWithOne(path, environmentRooms))
    .map(({ path }) => `${path}: takes Env; only ${environmentRooms.join(", ")} may, others are given plain settings`);

export const sizeRule: Rule = (sources) =>
  sources
    .map(({ path, text }) => ({ path, lines: text.replace(/\n$/, "").split("\n").length }))
    .filter(({ lines }) => lines > lineCeiling)
    .map(({ path, lines }) => `${path}: has ${lines} lines; at most ${lineCeiling}`);

/** What stands on a shelf is reached from the shelf's `index.ts`, or nobody can find it. */
export const shelfRule: Rule = (sources) =>
  shelves.flatMap((shelf) => {
    const onShelf = new Map(
      sources
        .filter(({ path }) => path.startsWith(`${shelf}/`) && !isTest(path))
        .map((source) => [source.path, source]),
    );
    const reached = new Set<string>();
    const visit = (path: string): void => {
      const source = onShelf.get(path);
      if (!source || reached.has(path)) return;
      reached.add(path);
      for (const { target } of readImports(source)) if (target !== null) visit(target);
    };
    visit(`${shelf}/index.ts`);
    return [...onShelf.keys()]
      .filter((path) => !reached.has(path))
      .map((path) => `${path}: is not registered in ${shelf}/index.ts`);
  });

/** The platform asks for one of a Worker's entry, and tools of their settings. */
export const defaultExportRule: Rule = (sources) =>
  sources
    .filter(
      ({ path }) =>
        path !== "src/index.ts" && !/^test\/.*-worker\.ts$/.test(path) && !/(^|\/)[\w-]+\.config\.ts$/.test(path),
    )
    .filter(({ text }) => /^export\s+default\b|^export\s*\{[^}]*\bas\s+default\b/m.test(text))
    .map(({ path }) => `${path}: has a default export`);

/** The server knows its stand-ins as addresses only. `/dev/null` is no stand-in. */
export const standInRule: Rule = (sources) =>
  sources
    .filter(({ path, text }) => isHouse(path) && /\bscripted\b|(?<![\w/])(?:\.\.?\/)*dev\/[a-z]/i.test(text))
    .map(({ path }) => `${path}: knows what only dev/ may know (“scripted”, “dev/…”)`);

const providerRooms = ["src/sandboxes/daytona/", "src/sandboxes/index.ts", "src/config.ts"];

/**
 * A second sandbox provider is a folder and a line: everything else, tests too, knows the port only. The page may tell people
 * which setting is missing.
 */
export const providerRule: Rule = (sources) =>
  sources
    .filter(({ path }) => path.startsWith("src/") && !startsWithOne(path, providerRooms))
    .map(({ path, text }) => ({
      path,
      text: path.startsWith("src/web/") ? text.replace(/\bDAYTONA_[A-Z_]+/g, "") : text,
    }))
    .filter(({ text }) => /daytona/i.test(text))
    .map(
      ({ path }) =>
        `${path}: names Daytona; only ${providerRooms.join(", ")} may, others know src/sandboxes/provider.ts`,
    );

/** Stored names outlive every renaming. */
const storedNames = /"asked_in_slack"/g;

/** The thread drives mirrors and knows none of them by name: one more is a folder and a line in `src/mirrors.ts`. */
export const mirrorRule: Rule = (sources) =>
  sources
    .filter(
      ({ path, text }) =>
        isHouse(path) && path.startsWith("src/thread/") && /slack/i.test(text.replace(storedNames, "")),
    )
    .map(({ path }) => `${path}: names Slack; what only Slack needs belongs in src/slack, behind RunMirror`);

export const folderRule: Rule = (sources) => {
  const forbidden = /(?:^|\/)(utils?|helpers?|services?|controllers?|managers?|base|common|misc)(?:\/|\.tsx?$)/;
  return sources.flatMap(({ path }) => {
    const name = forbidden.exec(path)?.[1];
    return name ? [`${path}: “${name}” says nothing about what is inside`] : [];
  });
};
