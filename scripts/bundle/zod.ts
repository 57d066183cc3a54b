// What the bundle takes for `zod` ([alias] in wrangler.toml). It leaves out 260 KiB of translations that nobody reads, the
// compiler, which makes code of schemas as a Worker must not, and the names of zod's inside. They can't be shaken off, since
// `@hono/zod-openapi` takes zod's whole namespace.
import * as z from "./zod-names.ts";

export * from "./zod-names.ts";
// biome-ignore lint/style/noDefaultExport: zod has one
export { z, z as default };
