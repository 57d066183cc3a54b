// Port: a provider of sandboxes. The rest of the product reaches sandboxes through it and through the two ports that it
// opens, `Sandbox` and `Workspace`. It stands beside its implementations and not in `agent`: the loop is given a sandbox
// and never asks who provides it.
import type { OnSandboxState, Sandbox } from "../agent/sandbox.ts";
import type { GitAccess } from "../agent/sandbox-git.ts";
import type { PortEntry, SignedLink, Workspace } from "../agent/workspace.ts";
import type { GitSource, SandboxSettings } from "../protocol/project.ts";

/** The sandbox of one project. Nothing in it is a provider's own word. */
export interface SandboxRequest {
  /** Decides which sandbox it is: the same for every thread and request of a project, and another for every project. */
  name: string;
  /** Kept with the sandbox. `Workspace.destroy` shows them to who asks whether it is the right one. */
  labels: Record<string, string>;
  /** What the project asks for. The provider chooses what is left out. */
  recipe: SandboxSettings;
  /** Without it nothing is cloned by itself, and remotes are reached without credentials. */
  git?: { access: GitAccess; source: GitSource | null };
  /** Gets each state on the way to a started sandbox, each once. */
  onState?: OnSandboxState;
  /** The id of the sandbox whose files the model knows from an earlier life, and whichever they are from now on. */
  known?: string | null;
  onKnown?: (id: string) => void;
  /** Whether the project still exists. Asked before a sandbox is made; where it is false none is. */
  isWanted?: () => Promise<boolean>;
}

/** A project's sandbox as tools use it, with what links to its ports are kept by. */
export interface ProjectSandbox extends Sandbox {
  /** A link of the provider's own, which `expireLink` ends. It awaits a listener first. */
  exposePort(port: number, signal: AbortSignal): Promise<SignedLink>;
  /** Resolves when something listens on the port; rejects where nothing does for a while, and for the sandbox's own ports. */
  awaitListener(port: number, signal: AbortSignal): Promise<void>;
  /** Ends a link of `exposePort`. No error where it has ended. */
  expireLink(port: number, token: string, signal: AbortSignal): Promise<void>;
}

/**
 * Who refused a visitor's request. `dead`: nothing took it, or the connection broke at once. `way`: what stands before the
 * program refused it, in words that name the sandbox and that no visitor may see. `unclear`: a program says the same at
 * times, but the entry may be an old one. Null: the program said it.
 */
export type Refusal = "dead" | "way" | "unclear" | null;

/** What of the provider's stands between a visitor of a preview and the program that listens in the sandbox. */
export interface PreviewProxy {
  /** A header of the provider's own, in lower case. It passes in neither direction: some open sandboxes. */
  isOwnHeader(name: string): boolean;
  /** The same of a cookie, by its name. */
  isOwnCookie(name: string): boolean;
  /** The answer's body stays whole for who passes it on. Takes a second at most. */
  judge(answer: Response): Promise<Refusal>;
  /** A `Location` as the program wrote it, where the provider rewrites it. `entry` and `port` are those that were asked. */
  readLocation(location: string, entry: PortEntry, port: number): string;
}

/**
 * Contract: opening makes no request; what is opened makes, starts and finds the sandbox when it is used. One that is
 * opened belongs to one life of a thread's object or to one request, and may keep connections; a provider keeps none, since
 * objects of one process share modules but not connections. Its errors are `SandboxError`s, and hold no secret.
 */
export interface SandboxProvider {
  openSandbox(request: SandboxRequest): ProjectSandbox;
  openWorkspace(request: SandboxRequest): Workspace;
  /** Ports of the sandbox's own programs. Whoever reaches one owns the sandbox: no link leads there. */
  own_ports: ReadonlySet<number>;
  /** The longest that `Workspace.signLink` signs for. */
  max_link_seconds: number;
  proxy: PreviewProxy;
}
