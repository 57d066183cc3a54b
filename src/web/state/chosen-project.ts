// The project whose conversations alone are listed, and which the next new one belongs to; null is all of them, and a new one makes
// a project of its own.
import { Store } from "./store.ts";

export const chosenProject = new Store<string | null>(null);
