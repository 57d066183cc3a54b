// All limits of the Daytona sandbox. Tests lower them.

export interface DaytonaLimits {
  /** From the first look-up to a started sandbox. Creation takes 1–2 s, or a minute with a new image to pull. */
  ready_ms: number;
  /** The same for an archived sandbox: its disk is copied, which has taken up to 66 s for small disks. */
  restore_ms: number;
  /** The same while its image is built or pulled: large images take minutes. */
  build_ms: number;
  /** How long a name may lead nowhere although it is taken: Daytona caches names for ten seconds. */
  hidden_ms: number;
  /** A request that Daytona should answer at once. */
  request_ms: number;
  /** Reading the whole log of a command, which can be long. */
  log_ms: number;
  /**
   * How long transport failures (502, no connection) are retried, at least once. Restarts of Daytona's proxies take a
   * few seconds; after a longer outage the caller should soon see the error.
   */
  retry_ms: number;
  /** The longest `Retry-After` that is honoured. */
  rate_limit_ms: number;
  /** How long to wait for a listener on a port: a server is often exposed at the moment it starts. */
  port_ms: number;
  /** How much of a command's output is kept, half from its head and half from its tail. */
  output_bytes: number;
  /** How much of a command's output is shown live. */
  live_characters: number;
  /** How much of a command's log is read to find its tail. The rest is ignored. */
  log_characters: number;
  /** The largest file that is read into memory. A Durable Object has 128 MB for everything. */
  read_bytes: number;
  /** The largest file that is written from memory. */
  write_bytes: number;
  /** The most entries, paths or lines that a listing or search returns. */
  entries: number;
  /** Sessions of ended commands beyond this number are removed: each keeps a shell open in the sandbox. */
  sessions: number;
}

export const defaultLimits: DaytonaLimits = {
  ready_ms: 120_000,
  restore_ms: 600_000,
  build_ms: 900_000,
  hidden_ms: 12_000,
  request_ms: 15_000,
  log_ms: 60_000,
  retry_ms: 10_000,
  rate_limit_ms: 30_000,
  port_ms: 10_000,
  output_bytes: 64 * 1024,
  live_characters: 256 * 1024,
  log_characters: 64 * 1024 * 1024,
  read_bytes: 10 * 1024 * 1024,
  write_bytes: 50 * 1024 * 1024,
  entries: 1_000,
  sessions: 64,
};
