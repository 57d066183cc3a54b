// `npm start`, which is start/main.ts. What Node compiles of it is kept, as it is of the programs that it starts: two fifths
// of this process's work until the server is ready.
import { enableCompileCache } from "node:module";
import { compileCache } from "./start/compile-cache.ts";

enableCompileCache(compileCache);
await import("./start/main.ts");
