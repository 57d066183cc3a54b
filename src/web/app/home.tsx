// The signed-in page: threads at the left, the open thread in the middle, its workspace at the right. On narrow screens
// the side panels open over the middle.
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { ConversationPane } from "../conversation/pane.tsx";
import { ErrorBoundary } from "../parts/error-boundary.tsx";
import { chosenAgent, chosenProject } from "../state/chosen.ts";
import { giveBack } from "../state/drafts.ts";
import { panel } from "../state/panel.ts";
import { go, place } from "../state/place.ts";
import { useStore } from "../state/store.ts";
import type { ThreadStore } from "../state/thread-store.ts";
import { isUnwritten } from "../state/thread-view.ts";
import { Sidebar } from "../threads/sidebar.tsx";
import { usePreviewShown } from "../workspace/new-preview.ts";
import { useApp } from "./context.ts";
import styles from "./home.module.css";
import { useMay } from "./may.tsx";
import { TopBar } from "./top-bar.tsx";
import { useThread } from "./use-thread.ts";

const AdminHome = lazy(() => import("./admin-home.tsx").then(({ AdminHome }) => ({ default: AdminHome })));
const SidePanel = lazy(() => import("../workspace/side-panel.tsx").then(({ SidePanel }) => ({ default: SidePanel })));
const Settings = lazy(() => import("../settings/settings.tsx").then(({ Settings }) => ({ default: Settings })));
const Palette = lazy(() => import("../threads/palette.tsx").then(({ Palette }) => ({ default: Palette })));

export function Home() {
  return useMay("read") ? (
    <Conversations />
  ) : (
    <Suspense fallback={null}>
      <AdminHome />
    </Suspense>
  );
}

function Conversations() {
  const { threads } = useApp();
  const thread = useThread();
  const { settings } = useStore(place);
  const { open } = useStore(panel);
  const [isMenuOpen, setMenuOpen] = useState(false);
  const [isPaletteOpen, setPaletteOpen] = useState(false);
  useEffect(() => threads.follow(), [threads]);
  useShortcut(() => setPaletteOpen(true));
  usePlanShown(thread);
  useRunsListed(thread);
  usePreviewShown(thread);
  const named = useStore(place, (now) => now.thread);
  // Choosing a thread closes the panels that cover it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is the change that closes
  useEffect(() => setMenuOpen(false), [named]);
  const send = useSend(thread);
  return (
    <div className={styles.home} data-menu={isMenuOpen || undefined} data-panel={open || undefined}>
      <nav className={styles.side}>
        <Sidebar onSearch={() => setPaletteOpen(true)} onClose={() => setMenuOpen(false)} />
      </nav>
      {isMenuOpen && <div className={styles.veil} onClick={() => setMenuOpen(false)} aria-hidden="true" />}
      <main className={styles.main}>
        <TopBar thread={thread} onMenu={() => setMenuOpen(true)} />
        {thread && <ConversationPane key={thread.id} thread={thread} onSend={send} />}
      </main>
      {open && thread && (
        <ErrorBoundary key={thread.id}>
          <Suspense fallback={null}>
            <SidePanel thread={thread} />
          </Suspense>
        </ErrorBoundary>
      )}
      <ErrorBoundary key={`${settings !== null} ${isPaletteOpen}`}>
        <Suspense fallback={null}>
          {settings !== null && <Settings section={settings} />}
          {isPaletteOpen && <Palette onClose={() => setPaletteOpen(false)} />}
        </Suspense>
      </ErrorBoundary>
    </div>
  );
}

/**
 * The first message creates the thread, in the project and with the agent chosen for it, and puts its id into the
 * address.
 */
function useSend(thread: ThreadStore | null): (text: string, mode: "enqueue" | "steer") => void {
  const { threads } = useApp();
  return (text, mode) => {
    if (thread === null) return;
    const isFirst = isUnwritten(thread.view.latest());
    if (place.get().thread === null) go({ thread: thread.id }, { replace: true });
    const chosen = { project_id: chosenProject.get(), agent_id: chosenAgent.get() };
    if (!isFirst || (chosen.project_id === null && chosen.agent_id === null)) return thread.send(text, mode);
    void threads.begin(thread.id, chosen).then((isBegun) => {
      if (!isBegun) return giveBack(thread.id, text);
      chosenAgent.set(null);
      thread.send(text, mode);
    });
  };
}

function useShortcut(openPalette: () => void): void {
  const latest = useRef(openPalette);
  latest.current = openPalette;
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== "k" || !(event.metaKey || event.ctrlKey) || event.shiftKey || event.altKey)
        return;
      event.preventDefault();
      latest.current();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
}

/**
 * The list shows the state of each thread's newest run. It takes the open thread's from its stream, and is read again
 * when a run begins or ends.
 */
function useRunsListed(thread: ThreadStore | null): void {
  const { threads } = useApp();
  useEffect(() => {
    if (thread === null) return;
    let last: string | null = null;
    const look = (): void => {
      const { phase, conversation } = thread.view.shown.get();
      const { id, state } = conversation.run;
      // The server does not know a run that is only requested.
      if (phase === "loading" || state === "waiting") return;
      if (id !== null && state !== "none") threads.hear(thread.id, { invocation_id: id, status: state });
      const now = `${id} ${state}`;
      if (last !== null && last !== now) threads.refresh();
      last = now;
    };
    look();
    return thread.view.shown.subscribe(look);
  }, [thread, threads]);
}

/** A plan opens as soon as there is one, if there is room. Closing it keeps it closed for this thread. */
function usePlanShown(thread: ThreadStore | null): void {
  useEffect(() => {
    if (thread === null || !window.matchMedia("(min-width: 1100px)").matches) return;
    const stop = thread.view.shown.subscribe(() => {
      if (thread.view.shown.get().conversation.state.plan.sections.length === 0) return;
      stop();
      panel.change((now) => (now.open ? now : { open: true, tab: "plan" }));
    });
    return stop;
  }, [thread]);
}
