// What the browser keeps for the page. One that keeps nothing (private windows, blocked or full storage) costs a person what a
// reload takes with it, and nothing else.
type Area = "localStorage" | "sessionStorage";

export function recall(area: Area, name: string): string | null {
  try {
    return globalThis[area].getItem(name);
  } catch {
    return null;
  }
}

/** Null forgets it. */
export function keep(area: Area, name: string, value: string | null): void {
  try {
    if (value === null) globalThis[area].removeItem(name);
    else globalThis[area].setItem(name, value);
  } catch {}
}

/** The names in it that begin so. */
export function listKept(area: Area, start: string): string[] {
  try {
    return Object.keys(globalThis[area]).filter((name) => name.startsWith(start));
  } catch {
    return [];
  }
}
