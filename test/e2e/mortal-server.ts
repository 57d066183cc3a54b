// A whole server whose objects' lives a test can end while the Worker and its connections stay.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTaskloom, type Taskloom } from "./harness.ts";

const root = join(import.meta.dirname, "../..");

export interface MortalTaskloom extends Taskloom {
  endLife(thread_id: string): Promise<void>;
}

export async function startMortalTaskloom(settings: Record<string, string> = {}): Promise<MortalTaskloom> {
  const taskloom = await startTaskloom(settings);
  const folder = await mkdtemp(join(tmpdir(), "taskloom-mortal-"));
  const configPath = join(folder, "wrangler.toml");
  const config = await readFile(join(root, "wrangler.toml"), "utf8");
  // Paths of a configuration are those of its folder.
  const moved = config
    .replace('"src/index.ts"', JSON.stringify(join(root, "test/e2e/mortal-worker.ts")))
    .replace('"dist/web"', JSON.stringify(join(root, "dist/web")))
    .replace('"migrations"', JSON.stringify(join(root, "migrations")));
  await writeFile(configPath, moved);
  await taskloom.server.update(({ workers, ...options }) => ({
    ...options,
    workers: workers.map((worker) => ({ ...worker, configPath })),
  }));
  return {
    ...taskloom,
    async endLife(thread_id) {
      const object = encodeURIComponent(`user_first/${thread_id}`);
      const response = await fetch(`${taskloom.url}/hooks/end-life?object=${object}`, { method: "POST" });
      if (response.status !== 204) throw new Error(`the life was not ended: ${response.status}`);
    },
    close: async () => {
      await taskloom.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
