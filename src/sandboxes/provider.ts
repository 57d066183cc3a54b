// Port: a provider of sandboxes. All other code reaches sandboxes through it and through the two ports that it opens,
// `Sandbox` and `Workspace`. It is beside its implementations and not in `agent`, since the loop receives a sandbox and
// never asks who provides it.
import type { OnSandboxState, Sandbox } from "../agent/sandbox.ts";
import type { GitAccess } from "../agent/sandbox-git.ts";
import type { PortEndpoint, SignedLink, Workspace } from "../agent/workspace.ts";
import type { GitSource, SandboxSettings } from "../protocol/project.ts";

/** Describes the sandbox of one project, in terms of no particular provider. */
export interface SandboxRequest {
  /** Identifies the sandbox: the same for every thread and request of a project, different for every project. */
  name: string;
  /** Stored with the sandbox. `Workspace.destroy` passes them to its `isTarget`. */
  labels: Record<string, string>;
  /** The project's settings. The provider chooses what they leave out. */
  recipe: SandboxSettings;
  /** Without it no repository is cloned automatically, and remotes are reached without credentials. */
  git?: { access: GitAccess; source: GitSource | null };
  /** Receives each state on the way to a started sandbox once. */
  onState?: OnSandboxState;
  /** The id of the sandbox whose files the model knows from an earlier life. `onKnown` receives each new id. */
  known?: string | null;
  onKnown?: (id: string) => void;
  /** Whether the project still exists. Called before a sandbox is created; if false, none is. */
  isWanted?: () => Promise<boolean>;
  /** Without it, sandboxes are not counted. */
  count?: SandboxCount;
  /** Without it, a sandbox is found by its name alone. */
  ids?: SandboxIds;
  /** What people give to its commands. Without it they get nothing. */
  secrets?: SandboxSecrets;
}

/** A value that a person gives to the commands of a sandbox, under the name of a variable. */
export interface GivenSecret {
  name: string;
  value: string;
  hosts: string[];
  /** Its name in the provider's vault, which keeps the value from the sandbox. Null: programs get the value itself. */
  kept_as: string | null;
}

export interface SandboxSecrets {
  /**
   * The secrets of some seconds ago at most. `is_new`: a sandbox is about to get them, so the vault is asked whether it
   * has them. Rejects with `SandboxError`.
   */
  read(signal: AbortSignal, options?: { is_new?: boolean }): Promise<GivenSecret[]>;
}

/** Where a provider keeps values that its sandboxes may send to named hosts and never see. Rejects with `SandboxError`. */
export interface SecretVault {
  /** Whether this server has one, and lets us use it. */
  isThere(signal: AbortSignal): Promise<boolean>;
  /** The names that begin with the prefix. Empty if there is no vault. */
  list(prefix: string, signal: AbortSignal): Promise<string[]>;
  /** Adds or replaces one. */
  put(secret: { name: string; value: string; hosts: string[] }, signal: AbortSignal): Promise<void>;
  /** No error if there is none of that name. */
  remove(name: string, signal: AbortSignal): Promise<void>;
}

/** Keeps the provider's own id of the sandbox: a provider may find a new sandbox late by its name. Never rejects. */
export interface SandboxIds {
  /** The id that was kept last; null if none was. The sandbox may be gone, and another one may be there. */
  read(): Promise<string | null>;
  /** Call this when the provider has accepted the creation, and before the sandbox is used. */
  keep(id: string): Promise<void>;
}

/** Cores and GiB. What is left out is the provider's choice. */
export interface SandboxSize {
  cpu?: number | undefined;
  memory?: number | undefined;
  disk?: number | undefined;
}

/** Counts a user's sandboxes, and what they use. `take`, `start` and `build` reject with `quota_exceeded`. */
export interface SandboxCount {
  /** Call this before a sandbox is created or given more. One that is counted is not counted twice. */
  take(size: SandboxSize): Promise<void>;
  /** Call this if the creation failed and there is no sandbox. */
  giveBack(): Promise<void>;
  /**
   * Call this first, before a sandbox is created or started: its hours are about to count. `builds`: an image is about to
   * be built for it. Takes nothing.
   */
  start(builds: boolean): Promise<void>;
  /** Call this before an image is built, once for each build. */
  build(): Promise<void>;
  /** Call this when a running sandbox was opened: it is counted with its size, and never refused. Never rejects. */
  note(sandbox: SandboxSize & { id?: string }): Promise<void>;
}

/** A project's sandbox as tools use it, with what the links to its ports need. */
export interface ProjectSandbox extends Sandbox {
  /** A link of the provider's own, which `expireLink` revokes. Waits for a listener first. */
  exposePort(port: number, signal: AbortSignal): Promise<SignedLink>;
  /** Resolves when a program listens on the port. Rejects if none does for a while, and for the sandbox's own ports. */
  awaitListener(port: number, signal: AbortSignal): Promise<void>;
  /** Revokes a link of `exposePort`. No error if it has expired. */
  expireLink(port: number, token: string, signal: AbortSignal): Promise<void>;
}

/**
 * Who refused a visitor's request. `no_listener`: no program accepted it, or the connection broke at once. `proxy`: the
 * provider's proxy refused it, with a body that names the sandbox and that no visitor may see. `unclear`: a program
 * sometimes answers the same, but the endpoint may be outdated. Null: the program itself answered.
 */
export type Refusal = "no_listener" | "proxy" | "unclear" | null;

/** The provider's proxy between a visitor of a preview and the program that listens in the sandbox. */
export interface PreviewProxy {
  /**
   * Whether a header, in lower case, is the provider's own. Such headers pass in neither direction: some grant access
   * to sandboxes.
   */
  isOwnHeader(name: string): boolean;
  /** The same for a cookie, by its name. */
  isOwnCookie(name: string): boolean;
  /** Leaves the answer's body intact, to be forwarded. Takes a second at most. */
  readRefusal(answer: Response): Promise<Refusal>;
  /**
   * The `Location` as the program wrote it, if the provider rewrites it. `endpoint` and `port` are those of the
   * request.
   */
  readLocation(location: string, endpoint: PortEndpoint, port: number): string;
}

/**
 * Contract: opening makes no request. The opened port finds, creates and starts the sandbox when it is used. It belongs
 * to one life of a thread's object or to one request, and may keep connections. The provider itself keeps none, since
 * objects of one process share modules but not connections. All errors are `SandboxError`s and contain no secret.
 */
export interface SandboxProvider {
  openSandbox(request: SandboxRequest): ProjectSandbox;
  openWorkspace(request: SandboxRequest): Workspace;
  /** Makes no request before it is used. Left out by a provider that has none on any server. */
  openVault?(): SecretVault;
  /** Ports of the sandbox's own programs. Reaching one means full control of the sandbox, so no link leads there. */
  own_ports: ReadonlySet<number>;
  /** Matches names of variables that are the provider's own, in upper case. */
  own_variables?: RegExp;
  /** The longest lifetime that `Workspace.signLink` accepts. */
  max_link_seconds: number;
  proxy: PreviewProxy;
  /**
   * Whether the provider answers and takes the server's key: one cheap request, for the operator's look. Rejects with the
   * reason. Without it, nobody looks.
   */
  check?(signal: AbortSignal): Promise<void>;
}
