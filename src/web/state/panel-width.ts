// How wide the workspace is beside the conversation. A plan needs less room than a terminal, a file or a page, so each
// of the two kinds has a width of its own, which this browser remembers. Style sheets keep the bounds too: a width that
// was chosen on a larger screen is cut, and comes back there.
import { keep, recall } from "./browser-storage.ts";
import type { PanelTab } from "./panel.ts";
import { Store } from "./store.ts";

export type PanelKind = "list" | "view";
/** In px; null is the usual width. */
export type PanelWidths = Record<PanelKind, number | null>;

/** All names of its parts fit. */
export const minWidth = 320;
/** The list of threads, and what the conversation keeps. */
const besideWidth = 264 + 360;
const usualListWidth = 380;
const usualViewShare = 0.44;
/** More than any screen has. */
const maxStored = 10_000;
const stored = "taskloom panel widths";

export const panelWidths = new Store<PanelWidths>(readWidths(recall("localStorage", stored)));

/** Null goes back to the usual width. */
export function chooseWidth(kind: PanelKind, width: number | null): void {
  panelWidths.change((before) => ({ ...before, [kind]: width }));
}

/** Once a movement ends, since each of its steps would be a write. */
export function keepWidths(): void {
  keep("localStorage", stored, JSON.stringify(panelWidths.get()));
}

export function kindOf(tab: PanelTab): PanelKind {
  return tab === "plan" || tab === "activity" ? "list" : "view";
}

/** The most that leaves the conversation its room. */
export function maxWidthOf(viewport: number): number {
  return Math.max(minWidth, viewport - besideWidth);
}

export function boundWidth(width: number, viewport: number): number {
  return Math.round(Math.min(Math.max(width, minWidth), maxWidthOf(viewport)));
}

export function widthOf(kind: PanelKind, chosen: PanelWidths, viewport: number): number {
  const usual = kind === "list" ? usualListWidth : Math.max(usualListWidth, viewport * usualViewShare);
  return boundWidth(chosen[kind] ?? usual, viewport);
}

const step = 16;
const largeStep = 64;

/**
 * The width after a key on the separator, and null for a key that it does not take. The panel is after the conversation
 * in reading direction, so a step towards the conversation makes it wider.
 */
export function widthAfter(
  key: string,
  now: number,
  { viewport, isRtl, isLarge }: { viewport: number; isRtl: boolean; isLarge: boolean },
): number | null {
  const by = isLarge ? largeStep : step;
  switch (key) {
    case "Home":
      return minWidth;
    case "End":
      return maxWidthOf(viewport);
    case "ArrowLeft":
      return boundWidth(now + (isRtl ? -by : by), viewport);
    case "ArrowRight":
      return boundWidth(now + (isRtl ? by : -by), viewport);
    default:
      return null;
  }
}

export function readWidths(text: string | null): PanelWidths {
  const read = (value: unknown): number | null =>
    typeof value === "number" && value >= minWidth && value <= maxStored ? value : null;
  try {
    const { list, view } = (JSON.parse(text ?? "{}") ?? {}) as Record<string, unknown>;
    return { list: read(list), view: read(view) };
  } catch {
    return { list: null, view: null };
  }
}
