// The files of `npm start` in its state folder, beside the data of the Worker and of the sandboxes: the keys,
// the ports that earlier links point to, the log, and, while it runs, the address for `npm run ask`.
import { randomBytes } from "node:crypto";
import { access, chmod, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { KeyFile } from "./sign-in-key.ts";

export interface ServerAddress {
  url: string;
  key: string;
  pid: number;
}

export interface State {
  folder: string;
  /** wrangler's `--persist-to`. */
  data: string;
  sandboxes: string;
  log: string;
}

/** Only the owner may read keys and settings. */
const ownerOnly = 0o600;

export async function openState(data: string): Promise<State> {
  const folder = join(data, "start");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  return {
    folder,
    data,
    sandboxes: join(data, "daytona"),
    log: join(folder, "worker.log"),
  };
}

/** Whether no Worker has stored anything here yet. */
export async function isNewState({ data }: State): Promise<boolean> {
  return !(await exists(join(data, "v3")));
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Atomic: a start that is killed meanwhile leaves the former file. */
export async function writeOwn(path: string, text: string): Promise<void> {
  await rm(`${path}.new`, { force: true });
  await writeFile(`${path}.new`, text, { mode: ownerOnly });
  await rename(`${path}.new`, path);
}

/** ADMIN_API_KEY, created once. */
export function readAdminKey(state: State): Promise<string> {
  return readOrMake(adminKeyPath(state), () => `tl_${randomBytes(24).toString("base64url")}`);
}

/**
 * The first user's key, created once, so that a saved address signs in later too. Null where ADMIN_API_KEY was never made
 * here.
 */
export async function findUserKeyFile(state: State): Promise<KeyFile | null> {
  if (!(await exists(adminKeyPath(state)))) return null;
  const path = join(state.folder, "key");
  return { path, read: () => readOptional(path), write: (key) => writeOwn(path, key) };
}

export function adminKeyPath({ folder }: State): string {
  return join(folder, "admin-key");
}

/** Encrypts stored credentials; with another key they could not be read again. */
export function readEncryptionKey(state: State): Promise<string> {
  return readOrMake(join(state.folder, "encryption-key"), () => randomBytes(32).toString("base64url"));
}

/** The sandbox server's key, for the Worker, and for the owner of this folder who wants to use Daytona's SDK. */
export function readSandboxKey(state: State): Promise<string> {
  return readOrMake(join(state.folder, "sandbox-key"), () => randomBytes(24).toString("base64url"));
}

async function readOrMake(path: string, make: () => string): Promise<string> {
  const kept = (await readOptional(path))?.trim();
  if (kept) return kept;
  const made = make();
  await writeOwn(path, `${made}\n`);
  return made;
}

/** The stand-ins that earlier links point to. */
type LinkedService = "sandbox" | "search";

/** The port of the last start; 0 for any. */
export async function readPort(state: State, service: LinkedService): Promise<number> {
  const port = Number(await readOptional(join(state.folder, `${service}-port`)));
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 0;
}

export async function keepPort(state: State, service: LinkedService, port: number): Promise<void> {
  await writeOwn(join(state.folder, `${service}-port`), String(port));
}

export async function writeAddress(state: State, address: ServerAddress): Promise<void> {
  await writeOwn(join(state.folder, "server.json"), JSON.stringify(address));
}

export async function removeAddress(state: State): Promise<void> {
  await rm(join(state.folder, "server.json"), { force: true });
}

/** The server that runs on this state, or null. */
export async function readAddress(data: string): Promise<ServerAddress | null> {
  const text = await readOptional(join(data, "start/server.json"));
  if (text === null) return null;
  try {
    const { url, key, pid } = JSON.parse(text) as Partial<ServerAddress>;
    return typeof url === "string" && typeof key === "string" && typeof pid === "number" ? { url, key, pid } : null;
  } catch {
    return null;
  }
}

async function readOptional(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
