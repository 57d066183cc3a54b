// A person's choices for this browser: language, light or dark. Without a choice both follow the browser.
import { keep, recall } from "./browser-storage.ts";
import { Store } from "./store.ts";

export type Language = "en" | "zh";
export type Theme = "system" | "light" | "dark";

export interface Preferences {
  language: Language;
  theme: Theme;
}

const stored = "taskloom preferences";

export const preferences = new Store<Preferences>(readPreferences());

export function choose(choice: Partial<Preferences>): void {
  preferences.change((before) => ({ ...before, ...choice }));
  keep("localStorage", stored, JSON.stringify(preferences.get()));
}

/** Set on the document for style sheets, hyphenation and screen readers. */
export function applyPreferences(): void {
  const apply = (): void => {
    const { language, theme } = preferences.get();
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    document.documentElement.dataset.theme = theme;
  };
  preferences.subscribe(apply);
  apply();
}

function readPreferences(): Preferences {
  const chosen = readChosen();
  const preferred = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
  const { language, theme } = chosen;
  return {
    language: language === "en" || language === "zh" ? language : preferred,
    theme: theme === "light" || theme === "dark" ? theme : "system",
  };
}

function readChosen(): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(recall("localStorage", stored) ?? "{}");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
