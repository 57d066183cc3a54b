// Makes the client of `@hey-api/openapi-ts` as its page shows it, with imports that Node runs as they are.
import { createClient } from "@hey-api/openapi-ts";

const [input = "", path = ""] = process.argv.slice(2);
await createClient({ input, output: { path, module: { extension: ".ts" } } });
