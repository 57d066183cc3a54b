// What the bundle takes for `zod` ([alias] in wrangler.toml): all of it but its translations, 260 KiB that nobody reads.
// They can't be shaken off, since `@hono/zod-openapi` takes zod's whole namespace.
import * as z from "./zod-names.ts";

export * from "./zod-names.ts";
// biome-ignore lint/style/noDefaultExport: zod has one
export { z, z as default };
