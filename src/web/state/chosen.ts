// What is chosen for the next new conversation.
import { Store } from "./store.ts";

/** The project whose conversations are listed, and which the next one joins. Null lists all: that one gets its own. */
export const chosenProject = new Store<string | null>(null);

/** Null is the server's default. */
export const chosenAgent = new Store<string | null>(null);
