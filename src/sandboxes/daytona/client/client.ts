// What every use of a Daytona sandbox shares: the SDK's client, the connection to the one sandbox of a project, and the
// guarantee that only a `SandboxError` is thrown. One instance belongs to one life of a thread's object or to one
// request. It holds its client and its sandbox as fields, since objects of one process share modules but not
// connections.
//
// Unless it polls, the SDK keeps a Socket.IO connection open, which would keep the object awake for ever. The SDK can't
// be aborted and has no limit on what it reads; where that matters `toolbox.ts` makes the request itself.
import { type OnSandboxState, SandboxError } from "../../../agent/sandbox.ts";
import type { GitAccess } from "../../../agent/sandbox-git.ts";
import type { SandboxRequest } from "../../provider.ts";
import { GitRequests } from "../git/git-requests.ts";
import { type CheckoutCache, ProjectCheckout } from "../git/project-checkout.ts";
import { DaytonaLifecycle } from "../lifecycle/lifecycle.ts";
import type { Recipe } from "../lifecycle/recipe.ts";
import { DaytonaSecrets } from "../secrets/secrets.ts";
import { DaytonaConnection } from "./connection.ts";
import { DaytonaFailure, readFailure, toSandboxError } from "./failure.ts";
import { type DaytonaLimits, defaultLimits } from "./limits.ts";
import { openClient } from "./sdk.ts";
import { Toolbox } from "./toolbox.ts";

export interface DaytonaSettings extends Omit<SandboxRequest, "recipe"> {
  api_key: string;
  api_url: string;
  target: string | null;
  snapshot: string | null;
  /** The project's settings for the sandbox, without the snapshot. */
  recipe?: Omit<Recipe, "snapshot">;
  limits?: Partial<DaytonaLimits>;
}

export interface DaytonaClient {
  lifecycle: DaytonaLifecycle;
  secrets: DaytonaSecrets;
  connection: DaytonaConnection;
  toolbox: Toolbox;
  gitRequests: GitRequests;
  gitAccess: GitAccess;
  checkout: ProjectCheckout;
  limits: DaytonaLimits;
  guard: Guard;
}

const noGit = { access: { findLogin: async () => null }, source: null };

/**
 * `readsSecrets`: before a sandbox is used, asks which secrets commands get there. Else nobody asks before it is
 * needed.
 */
export function connectDaytona(
  settings: DaytonaSettings,
  { cache, readsSecrets = false }: { cache?: CheckoutCache; readsSecrets?: boolean } = {},
): DaytonaClient {
  const { api_key, api_url, target, snapshot, name, labels } = settings;
  const { known = null, onKnown = () => {} } = settings;
  // A clone that failed quotes git, and a build its log.
  const onState: OnSandboxState = (state, message) => settings.onState?.(state, secrets.hideSeen(message));
  const limits = { ...defaultLimits, ...settings.limits };
  const client = openClient({
    apiKey: api_key,
    apiUrl: api_url,
    ...(target === null ? {} : { target }),
    useDeprecatedPolling: true,
    requestTimeoutMs: limits.request_ms,
  });
  const host = URL.canParse(api_url) ? new URL(api_url).host : "its address";
  const recipe: Recipe = { ...settings.recipe, ...(snapshot === null ? {} : { snapshot }) };
  const callbacks = {
    onState,
    onKnown,
    isWanted: settings.isWanted ?? (async () => true),
    count: settings.count,
    ids: settings.ids,
  };
  const secrets: DaytonaSecrets = new DaytonaSecrets({
    ...{ secrets: settings.secrets, api_key, api_url, onState },
    control: (request, signal) => lifecycle.control(request, signal),
  });
  const lifecycle: DaytonaLifecycle = new DaytonaLifecycle({
    client,
    secrets,
    api_url,
    api_key,
    name,
    target,
    recipe,
    labels,
    host,
    limits,
    known,
    ...callbacks,
  });
  const toolbox = new Toolbox(api_key);
  const gitRequests = new GitRequests(toolbox);
  const { access: gitAccess, source } = settings.git ?? noGit;
  const checkout = new ProjectCheckout({
    ...{ requests: gitRequests, access: gitAccess, source, onState, cache },
    control: (request, signal) => lifecycle.control(request, signal),
  });
  const connection = new DaytonaConnection(lifecycle, limits, async (sandbox, signal) => {
    if (readsSecrets) await secrets.look(signal);
    await checkout.prepare(sandbox, signal);
  });
  const guard = createGuard(api_key, secrets);
  return { lifecycle, secrets, connection, toolbox, gitRequests, gitAccess, checkout, limits, guard };
}

/** A shorter key is the placeholder of a local server, and could be part of any word. */
const MIN_SECRET_CHARACTERS = 8;

export type Guard = <Value>(signal: AbortSignal, work: () => Promise<Value>) => Promise<Value>;

/**
 * Fulfils the port's contract: rejects with `SandboxError` or the signal's reason, and never with the API key or a
 * secret in a message.
 */
function createGuard(api_key: string, secrets: DaytonaSecrets): Guard {
  return async (signal, work) => {
    try {
      signal.throwIfAborted();
      return await work();
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const known = error instanceof SandboxError ? error : explain(error);
      // Daytona may quote the request.
      const plain = api_key.length < MIN_SECRET_CHARACTERS ? known.message : known.message.replaceAll(api_key, "[key]");
      const hidden = secrets.hideSeen(plain);
      throw hidden === known.message ? known : new SandboxError(known.code, hidden, known.retry_after_s);
    }
  };
}

function explain(error: unknown): SandboxError {
  try {
    return toSandboxError(readFailure(error), "The sandbox");
  } catch {
    return new SandboxError("failed", `The sandbox failed in an unexpected way (${nameOf(error)}).`);
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error && !(error instanceof DaytonaFailure)
    ? `${error.name}: ${error.message}`.slice(0, 200)
    : "unknown";
}
