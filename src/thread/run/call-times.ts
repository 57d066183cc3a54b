// When the calls of the newest message began to arrive. A task is under way from then on: a long file takes longer to be
// written by the model than to be stored. Kept in memory: after a crash the times are those of the change itself.
export class CallTimes {
  #message_id = "";
  readonly #begun = new Map<string, string>();
  #workedUntil = "";

  begin(message_id: string, call_id: string, at: string): void {
    if (message_id !== this.#message_id) this.#begun.clear();
    this.#message_id = message_id;
    this.#begun.set(call_id, at);
  }

  /** A call for work has its result. */
  end(at: string): void {
    this.#workedUntil = at;
  }

  /**
   * From when on a change by this call holds. The calls of a message are made one after another, so it is not before
   * the one before it has ended.
   */
  since(call_id: string, now: string): string {
    const begun = this.#begun.get(call_id) ?? now;
    if (begun < this.#workedUntil) return this.#workedUntil;
    return begun;
  }

  /** The calls that a later run makes were written in a former one. */
  clear(): void {
    this.#begun.clear();
    this.#workedUntil = "";
  }
}
