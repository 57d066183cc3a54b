// What the server says of itself to anybody. It is read once: it changes with the server's settings only.
import { Api, type Health } from "../client/api.ts";
import { Store } from "./store.ts";

export const health = new Store<Health | null>(null);

let reading: Promise<Health> | null = null;

/** Rejects where the server can't be reached. */
export function readHealth(): Promise<Health> {
  reading ??= new Api("", "").health().then(
    (found) => {
      health.set(found);
      return found;
    },
    (error: unknown) => {
      reading = null;
      throw error;
    },
  );
  return reading;
}
