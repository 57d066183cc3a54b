// The colours of a terminal: the page's own, as they are in light or dark just now. A terminal wants them as numbers.
import type { ITheme } from "@xterm/xterm";
import { preferences } from "../state/preferences.ts";

const tokens = {
  background: "--surface",
  foreground: "--ink",
  cursor: "--accent",
  cursorAccent: "--surface",
  black: "--ink-soft",
  red: "--bad",
  green: "--good",
  yellow: "--warn",
  blue: "--code-title",
  magenta: "--code-keyword",
  cyan: "--code-cyan",
  white: "--ink-soft",
  brightBlack: "--ink-faint",
  brightRed: "--bad",
  brightGreen: "--good",
  brightYellow: "--warn",
  brightBlue: "--accent",
  brightMagenta: "--code-keyword",
  brightCyan: "--code-cyan",
  brightWhite: "--ink",
  selectionBackground: "--accent-soft",
  selectionInactiveBackground: "--hover",
  scrollbarSliderBackground: "--line-strong",
  scrollbarSliderHoverBackground: "--ink-faint",
  scrollbarSliderActiveBackground: "--ink-faint",
} as const;

export function readTheme(host: HTMLElement): ITheme {
  const probe = document.createElement("span");
  host.append(probe);
  const theme: Record<string, string> = {};
  for (const [name, token] of Object.entries(tokens)) {
    probe.style.color = `var(${token})`;
    theme[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return theme;
}

/** Tells when the page goes from light to dark or back. Answers how to stop. */
export function onThemeChange(act: () => void): () => void {
  const scheme = window.matchMedia("(prefers-color-scheme: dark)");
  // The document is told of a choice by another listener, which may come after this one.
  const later = (): void => void requestAnimationFrame(act);
  const stop = preferences.subscribe(later);
  scheme.addEventListener("change", later);
  return () => {
    stop();
    scheme.removeEventListener("change", later);
  };
}
