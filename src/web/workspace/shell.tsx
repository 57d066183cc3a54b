// A shell for the person. A button opens it, because looking at the tab must not start a sandbox.
import type { Terminal } from "@xterm/xterm";
import { LogOut, SquareTerminal } from "lucide-react";
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { type AppValue, useApp } from "../app/context.ts";
import { ApiError } from "../client/api.ts";
import { Button } from "../parts/button.tsx";
import { Empty, Notice, ProblemNotice, Spinner } from "../parts/notice.tsx";
import { describeProblem } from "../state/problem.ts";
import { useStore } from "../state/store.ts";
import { useWords } from "../state/words.ts";
import { pathOfSandbox } from "./project.ts";
import { ShellConnection, type ShellOptions, type ShellState } from "./shell-connection.ts";
import styles from "./terminal.module.css";
import { writeBounded } from "./terminal-flow.ts";
import { terminalWords } from "./words.ts";

const TerminalScreen = lazy(() =>
  import("./terminal-screen.tsx").then(({ TerminalScreen }) => ({ default: TerminalScreen })),
);

const session = "main";
const encoder = new TextEncoder();

function makeConnection(
  { api, onUnauthorized }: Pick<AppValue, "api" | "onUnauthorized">,
  project: string,
  hear: Pick<ShellOptions, "onReady" | "onOutput">,
): ShellConnection {
  return new ShellConnection({
    askTicket: async (size) => {
      const path = `${pathOfSandbox(project)}/terminal`;
      try {
        const { url } = await api.send<{ url: string }>("POST", path, { session, ...size });
        return url;
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) onUnauthorized();
        throw error;
      }
    },
    open: (url) => new WebSocket(url),
    ...hear,
  });
}

export function Shell({ project, isShown }: { project: string; isShown: boolean }) {
  const said = useWords(terminalWords);
  const { api, onUnauthorized } = useApp();
  const screen = useRef<{ terminal: Terminal; write: (bytes: Uint8Array) => void } | null>(null);
  const [isOpen, setOpen] = useState(false);
  const connection = useMemo(
    () =>
      makeConnection({ api, onUnauthorized }, project, {
        // Output of a new shell starts on a line of its own.
        onReady: () => {
          const terminal = screen.current?.terminal;
          if (terminal && terminal.buffer.active.cursorX > 0) terminal.write("\r\n");
        },
        onOutput: (bytes) => screen.current?.write(bytes),
      }),
    [api, onUnauthorized, project],
  );
  const state = useStore(connection.state);
  useEffect(() => () => connection.leave(), [connection]);
  useShown(connection, isShown);
  const begin = useCallback((): void => {
    const terminal = screen.current?.terminal;
    if (!terminal) return;
    connection.connect({ cols: terminal.cols, rows: terminal.rows });
    terminal.focus();
  }, [connection]);
  const onOpen = useCallback(
    (terminal: Terminal): (() => void) => {
      screen.current = { terminal, write: writeBounded(terminal) };
      const listeners = [
        terminal.onData((text) => connection.type(encoder.encode(text))),
        // Mouse reports are bytes, one per character.
        terminal.onBinary((text) => connection.type(Uint8Array.from(text, (each) => each.charCodeAt(0)))),
        terminal.onResize((size) => connection.resize({ cols: size.cols, rows: size.rows })),
      ];
      begin();
      return () => {
        screen.current = null;
        for (const listener of listeners) listener.dispose();
      };
    },
    [connection, begin],
  );
  if (!isOpen) {
    return (
      <Empty icon={SquareTerminal}>
        <p>{said.shellAbout}</p>
        <Button look="primary" onClick={() => setOpen(true)}>
          {said.start}
        </Button>
      </Empty>
    );
  }
  const leave = (): void => {
    connection.leave();
    setOpen(false);
  };
  return (
    <div className={styles.shell}>
      <ShellNotice state={state} onAgain={begin} onLeave={leave} />
      <Suspense fallback={<div className={styles.screen} />}>
        <TerminalScreen label={`${said.shellLabel}. ${said.keys}`} onOpen={onOpen} />
      </Suspense>
    </div>
  );
}

/** Shown means: in the visible part of a visible page. */
function useShown(connection: ShellConnection, isShown: boolean): void {
  useEffect(() => {
    const update = (): void => connection.setShown(isShown && document.visibilityState === "visible");
    update();
    document.addEventListener("visibilitychange", update);
    return () => document.removeEventListener("visibilitychange", update);
  }, [connection, isShown]);
}

function ShellNotice({ state, onAgain, onLeave }: { state: ShellState; onAgain: () => void; onLeave: () => void }) {
  const said = useWords(terminalWords);
  const again = (label: string) => (
    <Button small onClick={onAgain}>
      {label}
    </Button>
  );
  if (state.phase === "ended") {
    return (
      <div className={styles.pad}>
        <Notice action={again(said.again)}>{said.ended(state.exitCode)}</Notice>
      </div>
    );
  }
  if (state.phase === "refused") {
    const action = again(said.reconnect);
    return (
      <div className={styles.pad}>
        {state.error ? (
          <ProblemNotice problem={describeProblem(state.error)} action={action} />
        ) : (
          <Notice tone="warn" action={action}>
            {said.refused} {state.message}
          </Notice>
        )}
      </div>
    );
  }
  const isReady = state.phase === "ready";
  const texts = {
    idle: said.connecting,
    connecting: said.starting,
    ready: state.phase === "ready" && state.resumed ? said.resumed : said.keys,
    lost: state.phase === "lost" && state.isPaused ? said.paused : said.lost,
  };
  return (
    <div className={styles.status} role="status">
      {isReady ? <span className={styles.light} aria-hidden="true" /> : <Spinner />}
      <span className={styles.statusText}>{texts[state.phase]}</span>
      <Button small look="quiet" icon={LogOut} onClick={onLeave}>
        {said.disconnect}
      </Button>
    </div>
  );
}
