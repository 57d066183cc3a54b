// A terminal on the page. Its output can only draw: it reaches no title, clipboard or window, and links open by a click
// only. Loaded when there is something to show.
import "@xterm/xterm/css/xterm.css";
import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import { useEffect, useRef } from "react";
import styles from "./terminal.module.css";
import { lendToRows, policyDocument } from "./terminal-document.ts";
import { linkProvider, openLink, readWebLink } from "./terminal-links.ts";
import { onThemeChange, readTheme } from "./terminal-theme.ts";

export interface TerminalScreenProps {
  label: string;
  isReadOnly?: boolean;
  /** Receives the terminal once it has a size. Returns its cleanup. */
  onOpen(terminal: Terminal): () => void;
}

const keptLines = 5_000;
const fontSize = 13;

export function TerminalScreen({ label, isReadOnly = false, onOpen }: TerminalScreenProps) {
  const host = useRef<HTMLDivElement>(null);
  const latest = useRef(onOpen);
  latest.current = onOpen;
  useEffect(
    () => (host.current ? show(host.current, { label, isReadOnly, onOpen: latest.current }) : undefined),
    [label, isReadOnly],
  );
  return (
    <div className={styles.screen}>
      <div ref={host} className={styles.host} />
    </div>
  );
}

/**
 * A terminal measures its font when it is created and has to be visible for that, so creation waits until it has a
 * size.
 */
function show(host: HTMLElement, props: Required<TerminalScreenProps>): () => void {
  const fit = new FitAddon();
  let close: (() => void) | null = null;
  const size = new ResizeObserver(() => {
    if (host.clientWidth === 0 || host.clientHeight === 0) return;
    if (close !== null) {
      fit.fit();
      return;
    }
    const terminal = makeTerminal(host, fit, props);
    fit.fit();
    const stopTheme = onThemeChange(() => {
      terminal.options.theme = readTheme(host);
    });
    const stop = props.onOpen(terminal);
    close = () => {
      stop();
      stopTheme();
      terminal.dispose();
    };
  });
  size.observe(host);
  return () => {
    size.disconnect();
    close?.();
  };
}

function makeTerminal(
  host: HTMLElement,
  fit: FitAddon,
  { label, isReadOnly }: Required<TerminalScreenProps>,
): Terminal {
  const onHover = (url: string | null): void => {
    host.title = url === null ? "" : (readWebLink(url) ?? "");
  };
  const tamed = policyDocument(document);
  const terminal = new Terminal({
    documentOverride: tamed,
    theme: readTheme(host),
    fontFamily: getComputedStyle(host).getPropertyValue("--mono").trim() || "monospace",
    fontSize,
    lineHeight: 1.25,
    scrollback: keptLines,
    minimumContrastRatio: 4.5,
    cursorBlink: !isReadOnly && !window.matchMedia("(prefers-reduced-motion: reduce)").matches,
    cursorInactiveStyle: isReadOnly ? "none" : "outline",
    disableStdin: isReadOnly,
    // Recorded output has lines, a shell has a screen.
    convertEol: isReadOnly,
    screenReaderMode: !isReadOnly,
    linkHandler: {
      activate: (_event, url) => openLink(url),
      hover: (_event, url) => onHover(url),
      leave: () => onHover(null),
    },
  });
  terminal.loadAddon(fit);
  terminal.open(host);
  lendToRows(terminal, tamed);
  terminal.textarea?.setAttribute("aria-label", label);
  if (!isReadOnly) takeInsertedText(terminal);
  terminal.registerLinkProvider(linkProvider(terminal, onHover));
  terminal.attachCustomKeyEventHandler((event) => (isReadOnly ? scrollBy(terminal, event) : isForTerminal(event)));
  return terminal;
}

/**
 * Text that comes without a key and without a composition: from dictation, an emoji panel, a pen. For screen readers the
 * terminal itself takes keys only.
 */
function takeInsertedText(terminal: Terminal): void {
  const { textarea } = terminal;
  let isKeyDown = false;
  for (const name of ["keydown", "keyup", "blur"]) {
    textarea?.addEventListener(name, () => {
      isKeyDown = name === "keydown";
    });
  }
  textarea?.addEventListener("input", (event) => {
    const { inputType, data, isComposing } = event as InputEvent;
    if (inputType === "insertText" && data && !isComposing && !isKeyDown) terminal.input(data);
  });
}

/** A shell takes every key, Tab too, so one key must lead out of it. */
function isForTerminal(event: KeyboardEvent): boolean {
  if (event.key !== "Escape" || !event.shiftKey) return true;
  if (event.type === "keydown" && document.activeElement instanceof HTMLElement) document.activeElement.blur();
  return false;
}

/** Without input, keys scroll. */
function scrollBy(terminal: Terminal, event: KeyboardEvent): boolean {
  const lines: Record<string, number> = {
    ArrowUp: -1,
    ArrowDown: 1,
    PageUp: -terminal.rows,
    PageDown: terminal.rows,
    Home: -terminal.buffer.active.length,
    End: terminal.buffer.active.length,
  };
  const by = lines[event.key];
  if (by === undefined) return false;
  if (event.type === "keydown") {
    event.preventDefault();
    terminal.scrollLines(by);
  }
  return false;
}
