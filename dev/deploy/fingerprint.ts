// Names all that a deploy would upload. If the running version has the same name, there is nothing to upload: a new
// version would end the lives of all objects for nothing.
import { createHash } from "node:crypto";
import { hashWorker } from "../start/build.ts";
import { hashPage } from "../start/page.ts";
import type { Settings } from "./secrets.ts";

export async function fingerprint(root: string, config: object, secrets: Settings): Promise<string> {
  const sources = await Promise.all([hashWorker(root, { entry: "src/index.ts", minified: true }), hashPage(root)]);
  const inOrder = Object.entries(secrets).sort(([one], [other]) => (one < other ? -1 : 1));
  return createHash("sha256")
    .update(JSON.stringify([sources, config, inOrder]))
    .digest("hex");
}
