// Each folder has its words in both languages; the compiler checks that neither lacks one.
import { type Language, preferences } from "./preferences.ts";
import { useStore } from "./store.ts";

export type Words<T> = Record<Language, T>;

export function defineWords<T>(en: T, zh: NoInfer<T>): Words<T> {
  return { en, zh };
}

export function useWords<T>(words: Words<T>): T {
  return words[useStore(preferences, ({ language }) => language)];
}

/** For code outside components. */
export function wordsNow<T>(words: Words<T>): T {
  return words[preferences.get().language];
}
