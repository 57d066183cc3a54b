// What a reader of a stream needs from the platform.

/** The writing half of a reader's connection. Rejects when the client is gone. */
export interface Sink {
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
  abort(reason: string): Promise<void>;
}

export interface Clock {
  now(): number;
  setTimer(callback: () => void, ms: number): () => void;
}
