// Where Node keeps what it has compiled of `npm start`, wrangler and Miniflare: megabytes that it would compile at each start.
import { join } from "node:path";

export const compileCache = join(import.meta.dirname, "../../node_modules/.cache/node");
