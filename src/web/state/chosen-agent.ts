// The agent of the next new conversation; null is the server's default.
import { Store } from "./store.ts";

export const chosenAgent = new Store<string | null>(null);
