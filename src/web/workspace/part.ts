// What each part of the workspace is given.
import type { ThreadStore } from "../state/thread-store.ts";

export interface PartProps {
  thread: ThreadStore;
  isShown: boolean;
}
