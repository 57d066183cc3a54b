// Finds the repository that a call means, and what its remote is.
import { SandboxError } from "../../../agent/sandbox.ts";
import type { GitAccess } from "../../../agent/sandbox-git.ts";
import { readGitAddress } from "../../../lib/git-address.ts";
import { type GitLogin, hostOfGitUrl } from "../../../protocol/git-credential.ts";
import { showPath } from "../../paths.ts";
import type { DaytonaConnection } from "../client/connection.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import type { DaytonaFiles } from "../files/files.ts";
import { type Remote, type Repository, readInspection, writeInspection } from "./git-remote.ts";
import type { GitRequests } from "./git-requests.ts";

export interface PlacePorts {
  connection: DaytonaConnection;
  requests: GitRequests;
  files: DaytonaFiles;
  access: GitAccess;
  /** The folder of the project's own repository; null if it has none. */
  readHome(): string | null;
}

export interface LocatedRepository extends Repository {
  /** The root as callers see it. */
  shown: string;
}

export class GitPlaces {
  readonly #ports: PlacePorts;

  constructor(ports: PlacePorts) {
    this.#ports = ports;
  }

  /** The repository of a path; without one the project's own, or the only one in the work dir. */
  async locate(path: string | null, signal: AbortSignal): Promise<LocatedRepository> {
    const isNamed = path !== null && path !== "" && path !== ".";
    const home = this.#ports.readHome();
    const found = await this.#tryPlace(isNamed ? path : (home ?? ""), signal);
    if (found.kind === "repository") return found.place;
    if (isNamed && found.kind === "missing")
      throw new SandboxError("not_found", `${path} does not exist, or is no folder.`);
    const inside = isNamed || home === null ? found : await this.#tryPlace("", signal);
    if (inside.kind === "repository") return inside.place;
    const [only, ...more] = inside.kind === "none" ? inside.repositories : [];
    if (!isNamed && only !== undefined && more.length === 0) {
      const below = await this.#tryPlace(only, signal);
      if (below.kind === "repository") return below.place;
    }
    const where = isNamed ? path : "The work dir";
    const advice =
      only === undefined
        ? "Clone one with git_clone, or make one with `git init`."
        : `Give the path of one: ${[only, ...more].join(", ")}.`;
    throw new SandboxError("not_found", `${where} is in no git repository. ${advice}`);
  }

  /** `before` runs first, in the same command. */
  async inspect(absolute: string, signal: AbortSignal, before = "") {
    const { connection, requests } = this.#ports;
    const run = (sandbox: SdkSandbox) => requests.run(sandbox, before + writeInspection(absolute), signal);
    return readInspection(await connection.call(run, signal));
  }

  /** The branch that is checked out after a change. */
  async readBranch(absolute: string, signal: AbortSignal, before = ""): Promise<string | null> {
    const found = await this.inspect(absolute, signal, before);
    return found.kind === "repository" ? found.repository.branch : null;
  }

  /** The address of a push or pull of this repository, its host, and the login for it. */
  async openRemote(
    place: LocatedRepository,
    action: "push" | "pull",
    signal: AbortSignal,
  ): Promise<{ url: string; host: string | null; login: GitLogin | null }> {
    const remote = place.remote?.url === "" ? await this.#readOrigin(place.root, signal) : place.remote;
    if (remote === null) {
      const text = `${place.shown} has no remote \`origin\`. Add one with \`git remote add origin URL\`.`;
      throw new SandboxError("invalid", text);
    }
    const [url = remote.url, ...others] = action === "push" ? remote.push_urls : [];
    if (others.length > 0) {
      const text = `\`origin\` of ${place.shown} has several addresses to push to. Push to each with \`git push\` in a command, or leave one.`;
      throw new SandboxError("invalid", text);
    }
    requireReachable(url);
    const host = hostOfGitUrl(url);
    // A folder, or a URL with the sandbox's own password: no stored credential is needed.
    const login = host === null ? null : await this.#ports.access.findLogin(url);
    return { url, host, login };
  }

  async #tryPlace(path: string, signal: AbortSignal) {
    const { absolute, folders } = await this.#ports.files.resolve(path, signal);
    const found = await this.inspect(absolute, signal);
    if (found.kind !== "repository") return found;
    const { repository } = found;
    return { kind: "repository" as const, place: { ...repository, shown: showPath(repository.root, folders) } };
  }

  /** Asks the daemon if no git is installed. Older daemons don't have this call, and settings are read as text then. */
  async #readOrigin(root: string, signal: AbortSignal): Promise<Remote | null> {
    const { connection, requests } = this.#ports;
    const attempt = { what: "Reading the remotes", host: null, login: null, branch: null };
    const ask = (sandbox: SdkSandbox) =>
      requests.ask(sandbox, { method: "GET", path: "remotes", query: { path: root } }, attempt, signal);
    try {
      const answer = await connection.call(ask, signal);
      const { remotes } = (answer ?? {}) as { remotes?: { name?: unknown; url?: unknown }[] };
      const url = Array.isArray(remotes) ? remotes.find(({ name }) => name === "origin")?.url : undefined;
      return typeof url === "string" ? { url, push_urls: [] } : null;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SandboxError && error.code === "unavailable") throw error;
      return { url: "", push_urls: [] };
    }
  }
}

/** Over https, over http where the server permits it, or in the sandbox's files. */
function requireReachable(url: string): void {
  // git takes for a path what has no colon before its first slash.
  if (/^(?:https?|file):\/\//i.test(url) || /^[./~]/.test(url) || !/^[^/]*:/.test(url)) return;
  const address = readGitAddress(url.replace(/^(?:git|git\+ssh|ssh\+git):\/\//i, "ssh://git@"));
  const advice =
    "wrong" in address ? "git remote set-url origin https://…" : `git remote set-url origin ${address.url}`;
  const shown = url.replace(/(:\/\/[^\s/:@]*):[^\s/@]*@/, "$1:[password]@").slice(0, 300);
  throw new SandboxError(
    "invalid",
    `\`origin\` is ${shown}, and sandboxes reach remotes over https: they have no keys for SSH. Run \`${advice}\`, then try again: the credential that is stored for the host is used then.`,
  );
}
