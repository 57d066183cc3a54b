// The project's own checks for one life of a run. What counts is the file in the commit that was cloned for the person,
// or what a person has accepted since: both are in the object, where nothing in the sandbox can write.
//
// Nothing is asked before a tool of the run has used a sandbox with the project's checkout. Then the commit is read
// once for each sandbox. Where there is a file, its hash is looked at whenever tasks are completed.
import type { CheckPlace, Matches, Tree } from "../../agent/checks/place.ts";
import type { ProjectChecks } from "../../agent/checks/project/apply.ts";
import { PROJECT_FILE, readProjectFile } from "../../agent/checks/project/file.ts";
import type { ProjectPort, ProjectView } from "../../agent/checks/project/port.ts";
import { protectedPaths } from "../../agent/checks/protect.ts";
import { TIME_OVER, within } from "../../agent/checks/run/ports.ts";
import { type Sandbox, SandboxError } from "../../agent/sandbox.ts";
import { type Life, transact } from "../life.ts";
import { type FileChecks, type StoredProject, writeProject } from "../rows/project-checks.ts";
import { sleep } from "../sleep.ts";

/** Usually some 100 ms. The list of a large checkout takes seconds. */
const LOOK_MS = 60_000;
/** A place names no more changes than these, so there may be others. */
const MAX_CHANGES = 20;

const nothing: ProjectChecks = { checks: [], files: [] };

interface Since {
  tree: Tree;
  /** What had changed before that and belongs to no task yet. */
  files: string[];
}

/** Since when files count as changed for the task that closes next. A life that does not know takes all for changed. */
const since = new WeakMap<Life, Since>();

export function openProject(life: Life, sandbox: Sandbox, signal: AbortSignal): ProjectPort {
  const shown = new Set<string>();
  let tree: Tree | null = null;
  let isLooked = false;
  const { checks: place } = sandbox;
  const isOpen = () => place?.readCommitted !== undefined && (sandbox.readRepositoryNotice?.() ?? null) !== null;
  const stored = () => known(life);

  async function look(): Promise<ProjectView | null> {
    const failures: string[] = [];
    const note = (why: string) => failures.push(`The project's checks (${PROJECT_FILE}) could not be read: ${why}`);
    if (place !== undefined && isOpen()) await ask(life, signal, (inner) => update(place, inner), note);
    const now = stored();
    if (place !== undefined && now !== null && isOpen()) await beginChanges(life, place, now, signal);
    const notes = [...failures, ...(now === null ? [] : listNotes(now))].filter((text) => !shown.has(text));
    for (const text of notes) shown.add(text);
    return now === null && notes.length === 0 ? null : { ...(now === null ? nothing : viewOf(now)), notes };
  }

  async function update(place: CheckPlace, inner: AbortSignal): Promise<void> {
    const former = stored();
    if (former !== null && isLooked && isEmpty(former)) return;
    const now = former === null ? await readCommit(life, place, inner) : await readPending(former, place, inner);
    isLooked = true;
    if (now === null || now === former) return;
    transact(life, () => storeProject(life, now));
  }

  return {
    isThere: () => !isEmpty(stored()) || (isOpen() && !(isLooked && stored() !== null)),
    known: () => {
      const now = stored();
      return now === null ? null : viewOf(now);
    },
    look,
    listChanged: async () => {
      tree = null;
      if (place === undefined || !isOpen()) return null;
      const before = since.get(life);
      const files = before && (await ask(life, signal, (inner) => place.listChanges(before.tree, inner)));
      tree = await ask(life, signal, (inner) => place.readTree(inner));
      if (!files || files.length >= MAX_CHANGES) return null;
      return [...before.files, ...inCheckout(files, stored()?.folder ?? "")];
    },
    noteClosed: () => {
      if (tree !== null) since.set(life, { tree, files: [] });
    },
  };
}

/** Before the first task of a life closes: what differs from the commit is what was changed, if none was made since. */
async function beginChanges(
  life: Life,
  place: CheckPlace,
  { commit, folder, file }: StoredProject,
  signal: AbortSignal,
): Promise<void> {
  if (since.has(life) || !file?.checks.some(({ paths }) => paths !== null)) return;
  const git = await ask(life, signal, (inner) => place.readGit(folder, inner));
  if (git === null || commit === null || git.commit !== commit || git.changed.length >= MAX_CHANGES) return;
  const tree = await ask(life, signal, (inner) => place.readTree(inner));
  if (tree !== null) since.set(life, { tree, files: git.changed });
}

/** The repository has no such file. Whether it has got one is looked at once a run. */
function isEmpty(project: StoredProject | null): boolean {
  return project === null || (project.file === null && project.pending === null);
}

/** Inside a transaction. */
export function storeProject(life: Life, project: StoredProject): void {
  writeProject(life.database.sql, project);
  life.project = project;
}

/** Of the sandbox that the thread uses. */
function known({ project, state }: Life): StoredProject | null {
  return project !== null && project.sandbox === state.knownSandbox ? project : null;
}

export function viewOf({ file }: StoredProject): ProjectChecks {
  return { checks: file?.checks ?? [], files: file?.files ?? [] };
}

async function readCommit(life: Life, place: CheckPlace, signal: AbortSignal): Promise<StoredProject | null> {
  const { knownSandbox: sandbox } = life.state;
  const seen = await place.readCommitted?.([PROJECT_FILE], signal);
  const [found] = seen?.files ?? [];
  if (sandbox === null || !seen || found === undefined) return null;
  const { folder, commit } = seen;
  const inCommit = async (patterns: string[]) => {
    const within = patterns.map((pattern) => pattern.slice(folder.length + 1));
    return (await place.hashCommitted?.(within, signal)) ?? [];
  };
  const file = found.file && (await readFile(found.file, folder, inCommit));
  const first: StoredProject = { sandbox, folder, commit, file, pending: null };
  return found.now === null || found.now === file?.hash ? first : readPending(first, place, signal);
}

/** The same object if the file is as it was. */
async function readPending(former: StoredProject, place: CheckPlace, signal: AbortSignal): Promise<StoredProject> {
  const { folder, file, pending } = former;
  const path = `${folder}/${PROJECT_FILE}`;
  const [hash = null] = await place.hashFiles([path], signal);
  if (hash === (pending ?? file)?.hash) return former;
  // Without the file, what counts stays: a person has not agreed to that.
  if (hash === null || hash === file?.hash) return pending === null ? former : { ...former, pending: null };
  const seen = await place.readFile(path, signal);
  if (seen.hash === null) return former;
  const asNow = (patterns: string[]) => place.hashMatches(patterns, signal);
  return { ...former, pending: await readFile({ ...seen, hash: seen.hash }, folder, asNow) };
}

async function readFile(
  { hash, size, text }: { hash: string; size: number; text: string | null },
  folder: string,
  hashAll: (patterns: string[]) => Promise<Matches[]>,
): Promise<FileChecks> {
  const none = { hash, checks: [], files: [] };
  if (text === null) {
    const why = `it has ${size} bytes, and is too large or no text in UTF-8`;
    return { ...none, problem: `${PROJECT_FILE} is not used: ${why}.` };
  }
  const read = await readProjectFile(text, folder);
  if (!read.ok) return { ...none, problem: read.message };
  const paths = [...new Set(read.checks.flatMap(protectedPaths))];
  const found = paths.length === 0 ? [] : await hashAll(paths);
  const files = paths.map((path, at) => ({ path, hash: null, ...found[at] }));
  return { hash, checks: read.checks, files, problem: null };
}

/** For the model, which passes it on to people. */
function listNotes({ commit, file, pending }: StoredProject): string[] {
  const whose = commit === null ? "not known to be the person's" : "not as in the commit that was checked out";
  const counts = file === null ? "No checks of the project count" : "Those of before count";
  return [
    ...(file?.problem ? [file.problem] : []),
    ...(pending === null
      ? []
      : [`${PROJECT_FILE} is ${whose}. ${counts} until a person accepts it: tell them if that matters.`]),
    ...(pending?.problem ? [pending.problem] : []),
  ];
}

function inCheckout(files: readonly string[], folder: string): string[] {
  // A checkout outside of the work dir is the root of its own list.
  if (folder.startsWith("/")) return [...files];
  return files.flatMap((file) => (file.startsWith(`${folder}/`) ? [file.slice(folder.length + 1)] : []));
}

/** Null if the sandbox can't say, and `onFailure` hears why. */
async function ask<Value>(
  { ports: { clock } }: Life,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Value>,
  onFailure: (why: string) => void = () => {},
): Promise<Value | null> {
  signal.throwIfAborted();
  const sleeping = (ms: number, until: AbortSignal) => sleep(clock, ms, until);
  try {
    return await within({ sleep: sleeping }, LOOK_MS, signal, work);
  } catch (error) {
    signal.throwIfAborted();
    if (error !== TIME_OVER && !(error instanceof SandboxError)) throw error;
    onFailure(error instanceof SandboxError ? error.message : "The sandbox gave no answer in time.");
    return null;
  }
}
