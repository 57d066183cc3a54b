// The project whose conversations are listed, and which the next new one joins. Null lists all, and a new conversation
// creates a project of its own.
import { Store } from "./store.ts";

export const chosenProject = new Store<string | null>(null);
