// The workspace beside the conversation: whether it is open, and what it shows.
import { Store } from "./store.ts";

export const panelTabs = ["plan", "terminal", "files", "preview", "activity"] as const;
export type PanelTab = (typeof panelTabs)[number];

export interface Panel {
  open: boolean;
  tab: PanelTab;
}

export const panel = new Store<Panel>({ open: false, tab: "plan" });

export function showPanel(tab: PanelTab): void {
  panel.set({ open: true, tab });
}

export function togglePanel(): void {
  panel.change((now) => ({ ...now, open: !now.open }));
}
