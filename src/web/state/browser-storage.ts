// What the browser stores for the page. Where it stores nothing (private windows, blocked or full storage), a reload
// loses that, and nothing else changes.
type Area = "localStorage" | "sessionStorage";

export function recall(area: Area, name: string): string | null {
  try {
    return globalThis[area].getItem(name);
  } catch {
    return null;
  }
}

/** Null removes it. */
export function keep(area: Area, name: string, value: string | null): void {
  try {
    if (value === null) globalThis[area].removeItem(name);
    else globalThis[area].setItem(name, value);
  } catch {}
}

/** The stored names with this prefix. */
export function listStored(area: Area, start: string): string[] {
  try {
    return Object.keys(globalThis[area]).filter((name) => name.startsWith(start));
  } catch {
    return [];
  }
}
