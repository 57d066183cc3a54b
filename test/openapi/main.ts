// `npm run openapi`: whether others can use `/openapi.json`. Two linters, two generators of clients, and a proxy that
// compares every operation with its description. Their packages are installed in this folder.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { installPackages } from "../../scripts/install-packages.ts";
import { createApp } from "../../src/app.ts";
import { describeApi } from "../../src/http/docs/openapi.ts";
import { checkClients } from "./clients.ts";
import { lint } from "./lint.ts";
import { folder, made } from "./steps.ts";
import { openStage } from "./walk/stage.ts";
import { walk } from "./walk/walk.ts";

function report(what: string, wrong: string[]): void {
  console.log(`${wrong.length === 0 ? "ok    " : "FAILED"}  ${what}`);
  for (const each of wrong) console.error(`${each}\n`);
  if (wrong.length > 0) process.exitCode = 1;
}

await installPackages(folder);
await rm(made, { recursive: true, force: true });
await mkdir(made, { recursive: true });
await writeFile(join(made, "openapi.json"), JSON.stringify(describeApi(createApp()), null, 1));
report("redocly and spectral find nothing", await lint());
const stage = await openStage();
try {
  report("generated clients compile strictly, and work", await checkClients(stage.taskloom));
  const { wrong, reached, skipped } = await walk(stage);
  report(`prism: ${reached} operations succeed as described`, wrong);
  for (const name of skipped) console.log(`not reached: ${name} (needs bubblewrap)`);
} finally {
  await stage.close();
}
// Kept where something is wrong, to look at.
if (process.exitCode === undefined) await rm(made, { recursive: true });
