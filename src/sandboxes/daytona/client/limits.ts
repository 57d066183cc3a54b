// Every bound of the Daytona sandbox in one place. Tests lower them.

export interface DaytonaLimits {
  /** From the first look to a started sandbox. Making one takes 1–2 s, with a new image to pull a minute. */
  ready_ms: number;
  /** The same for one that comes back from the archive: its disk is copied, which took others up to 66 s for small ones. */
  restore_ms: number;
  /** The same while its image is built or pulled: large ones take minutes. */
  build_ms: number;
  /** One request that Daytona should answer at once. */
  request_ms: number;
  /** Reading the whole log of a command, which may be long. */
  log_ms: number;
  /**
   * How long failures of the way to Daytona (502, no connection) are retried, once at least. Restarts of its proxies take
   * a few seconds; what is away for longer is away, and who waits should be told soon.
   */
  retry_ms: number;
  /** The longest `Retry-After` that is waited for. */
  rate_limit_ms: number;
  /** How long a port may take to be listened on: a server is often exposed in the moment it starts. */
  port_ms: number;
  /** Of a command's output this much is kept, half from its head and half from its tail. */
  output_bytes: number;
  /** Of a command's output this much is shown live. */
  live_characters: number;
  /** Of a command's log this much is read to find its tail; what comes after it is not looked at. */
  log_characters: number;
  /** Largest file that is read into memory; an object has 128 MB for everything. */
  read_bytes: number;
  /** Largest file that is written from memory. */
  write_bytes: number;
  /** Most entries, paths or lines that a listing or search answers. */
  entries: number;
  /** Sessions of ended commands beyond this many are removed: each holds a shell in the sandbox. */
  sessions: number;
}

export const defaultLimits: DaytonaLimits = {
  ready_ms: 120_000,
  restore_ms: 600_000,
  build_ms: 900_000,
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
