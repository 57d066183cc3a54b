// The agent that the next new conversation begins with; null is the server's own.
import { Store } from "./store.ts";

export const chosenAgent = new Store<string | null>(null);
