// The terminal's colours: the page's own in its current scheme. A terminal needs them as numbers.
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

/** Calls when the page changes between light and dark. Returns its cleanup. */
export function onThemeChange(act: () => void): () => void {
  const scheme = window.matchMedia("(prefers-color-scheme: dark)");
  // Another listener applies the choice to the document, and may run after this one.
  const later = (): void => void requestAnimationFrame(act);
  const stop = preferences.subscribe(later);
  scheme.addEventListener("change", later);
  return () => {
    stop();
    scheme.removeEventListener("change", later);
  };
}
