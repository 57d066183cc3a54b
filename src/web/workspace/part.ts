// The props of each part of the workspace.
import type { ThreadStore } from "../state/thread-store.ts";

export interface PartProps {
  thread: ThreadStore;
  isShown: boolean;
}
