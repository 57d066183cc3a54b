// SANDBOX_LIMITS: the most that one sandbox may request. A part that is missing or no number counts as not set.

export interface SandboxResources {
  /** Cores. */
  cpu: number;
  /** GiB. */
  memory: number;
  /** GiB. */
  disk: number;
}

export interface SandboxLimits extends SandboxResources {
  /** The longest time without activity until a sandbox stops; 0 also permits that it never does. */
  auto_stop_minutes: number;
}

/** What the provider's cloud gives one sandbox, and a day: long enough for a demonstration, and it ends by itself. */
const usual: SandboxLimits = { cpu: 4, memory: 8, disk: 10, auto_stop_minutes: 1440 };

/** Reads `cpu=4,memory=8,disk=10,auto_stop_minutes=1440`. */
export function readSandboxLimits(env: object): SandboxLimits {
  const { SANDBOX_LIMITS: setting } = env as { SANDBOX_LIMITS?: unknown };
  const parts = typeof setting === "string" ? setting.split(",") : [];
  const given = Object.fromEntries(parts.map((part) => part.split("=").map((piece) => piece.trim())));
  const read = (name: keyof SandboxLimits) => (Number(given[name]) > 0 ? Number(given[name]) : usual[name]);
  const auto_stop_minutes = given.auto_stop_minutes === "0" ? 0 : read("auto_stop_minutes");
  return { cpu: read("cpu"), memory: read("memory"), disk: read("disk"), auto_stop_minutes };
}
