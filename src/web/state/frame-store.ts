// A value that changes many times a second: listeners are notified once per frame, with the newest value.
import { Store } from "./store.ts";

/** A hidden page draws no frames, and still has a title and other tabs to update. */
const hiddenMs = 250;

export class FrameStore<T> {
  readonly shown: Store<T>;
  #latest: T;
  #isDue = false;

  constructor(value: T) {
    this.shown = new Store(value);
    this.#latest = value;
  }

  latest(): T {
    return this.#latest;
  }

  change(edit: (value: T) => T): void {
    this.#latest = edit(this.#latest);
    if (this.#isDue) return;
    this.#isDue = true;
    const show = (): void => {
      this.#isDue = false;
      this.shown.set(this.#latest);
    };
    if (document.visibilityState === "visible") requestAnimationFrame(show);
    else setTimeout(show, hiddenMs);
  }
}
