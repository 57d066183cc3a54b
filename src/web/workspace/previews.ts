// The links to ports of the thread's project: as the server lists them, and as the thread's state has them until the
// list is read or after a run has opened another.
import { useCallback, useEffect, useRef, useState } from "react";
import type { PreviewLink } from "../../protocol/preview.ts";
import { useApp } from "../app/context.ts";
import { readLink } from "../conversation/link.ts";
import type { Problem } from "../state/problem.ts";
import { useStore } from "../state/store.ts";
import type { ThreadStore } from "../state/thread-store.ts";
import { pathOfSandbox } from "./project.ts";
import { useAttempts } from "./use-attempts.ts";

export interface Preview {
  port: number;
  url: string;
  expires_at: string | null;
}

interface Listed {
  /** The previews in the thread's state when the list was requested. */
  statePreviews: readonly object[];
  data: PreviewLink[];
}

/** May create a sandbox, which takes time. */
const exposeMs = 200_000;

export function mergePreviews(
  listed: { data: PreviewLink[]; isCurrent: boolean } | null,
  statePreviews: { port: number; url: string }[],
): Preview[] {
  const ports = new Map<number, Preview>(listed?.data.map((link) => [link.port, link]));
  // The state still contains what has been revoked since. The list is right once it is as new.
  if (!listed?.isCurrent) {
    for (const { port, url } of statePreviews)
      if (ports.get(port)?.url !== url) ports.set(port, { port, url, expires_at: null });
  }
  return [...ports.values()].toSorted((one, other) => one.port - other.port);
}

export interface Previews {
  /** Null until anything is known. */
  previews: Preview[] | null;
  problem: Problem | null;
  /** Whether it succeeded. */
  expose(port: number): Promise<boolean>;
  revoke(port: number): Promise<boolean>;
}

export function usePreviews(thread: ThreadStore, project: string | null, isShown: boolean): Previews {
  const { api } = useApp();
  const statePreviews = useStore(thread.view.shown, (view) => view.conversation.state.sandbox.previews);
  const [listed, setListed] = useState<Listed | null>(null);
  const { problem, attempt } = useAttempts();
  const path = project === null ? null : `${pathOfSandbox(project)}/previews`;
  /** Drops an answer that a newer request has overtaken. */
  const newest = useRef(0);
  const read = useCallback(async (): Promise<void> => {
    if (path === null) return;
    newest.current += 1;
    const mine = newest.current;
    // From before the request: what a run opens during it may be missing in the answer.
    const { previews } = thread.view.shown.get().conversation.state.sandbox;
    const { data } = await api.get<{ data: PreviewLink[] }>(path);
    if (mine === newest.current) setListed({ statePreviews: previews, data });
  }, [api, path, thread]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a change in the thread's state is the reason to read
  useEffect(() => {
    if (isShown && path !== null) void attempt(read);
  }, [attempt, read, path, isShown, statePreviews]);
  const now = mergePreviews(
    listed && { data: listed.data, isCurrent: listed.statePreviews === statePreviews },
    statePreviews,
  );
  return {
    previews: listed === null && problem === null && path !== null && now.length === 0 ? null : now,
    problem,
    expose: (port) =>
      attempt(async () => {
        await api.send("POST", path ?? "", { port }, exposeMs);
        await read();
      }),
    revoke: (port) =>
      attempt(async () => {
        await api.send("DELETE", `${path}/${port}`);
        await read();
      }),
  };
}

/**
 * A page on the app's own origin could reach into the app, so it loses its origin. Null where the address is not http
 * or https.
 */
export function frameOf(url: string, own: string): { src: string; sandbox: string } | null {
  const src = readLink(url);
  if (src === null || !src.startsWith("http")) return null;
  const allowed = ["allow-scripts", "allow-forms", "allow-popups", "allow-modals", "allow-downloads"];
  return { src, sandbox: (new URL(src).origin === own ? allowed : [...allowed, "allow-same-origin"]).join(" ") };
}
