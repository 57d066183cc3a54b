// Miniflare, required rather than imported: its package does not say that it is CommonJS, so Node would parse all of its
// 6 MB to find out, and again for the names that it exports: a quarter of the time that it takes to load.
import { createRequire } from "node:module";

export const { convertV4MiniflareOptions, Log, LogLevel, Miniflare } = createRequire(import.meta.url)(
  "miniflare",
) as typeof import("miniflare");
