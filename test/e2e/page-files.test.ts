// Which of the page's files are served without the Worker: by the router and the asset server that Cloudflare uses, which
// `npm start` passes by. The Worker here only says that it was asked.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { expect, it } from "vitest";
import { Log as StartLog } from "../../dev/start/log.ts";
import { buildPage } from "../../dev/start/page.ts";
import { Stopping } from "../../dev/start/stopping.ts";
import { buildTestWorker } from "../setup/build.ts";
import { root } from "../setup/started-server.ts";

const script = `export default {
  fetch: (request) => new Response("worker", { headers: { "x-asked": new URL(request.url).host } }),
};`;

async function startFiles(directory: string, run_worker_first?: boolean): Promise<Miniflare> {
  const { options } = await buildTestWorker();
  const { routerConfig, ...assets } = options.assets as typeof options.assets & { routerConfig: object };
  const first = {
    run_worker_first: true,
    routerConfig: { has_user_worker: true, invoke_user_worker_ahead_of_assets: true },
  };
  return new Miniflare(
    convertV4MiniflareOptions({
      name: "files",
      modules: [{ type: "ESModule", path: "worker.js", contents: script }],
      compatibilityDate: options.compatibilityDate,
      assets: { ...assets, directory, routerConfig, ...(run_worker_first ? first : {}) },
      cf: false,
      telemetry: { enabled: false },
      log: new Log(LogLevel.WARN),
    } as never),
  );
}

async function buildFiles(): Promise<string> {
  const log = new StartLog("/dev/null");
  const stopping = new Stopping();
  try {
    return await buildPage({ root, log, stopping });
  } finally {
    await stopping.stop();
  }
}

it("scripts and styles cost no request of the Worker and keep the page's headers; all else reaches the Worker", async () => {
  const directory = await buildFiles();
  const page = await readFile(join(directory, "index.html"), "utf8");
  const named = [...page.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path ?? "");
  // What the page loads later stands there, too.
  expect((await readdir(directory)).sort()).toEqual(["_headers", "_taskloom", "icon.svg", "index.html"]);
  const app = "https://taskloom.example";
  const preview = "https://3000-abcdefghijklmnopqrstuvwxyz.previews.example";
  const files = await startFiles(directory);
  const workerFirst = await startFiles(directory, true);
  try {
    const ask = async (runtime: Miniflare, url: string) => {
      const answer = await runtime.dispatchFetch(url);
      return { answer, asked: (await answer.text()) === "worker" };
    };
    const scripts = named.filter((path) => path.startsWith("/_taskloom/"));
    expect(scripts.length).toBeGreaterThan(1);
    for (const path of [...scripts, "/_taskloom/docs.js"]) {
      const { answer, asked } = await ask(files, app + path);
      expect([path, answer.status, asked]).toEqual([path, 200, false]);
      expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    }
    // A file of another build is nobody else's: no page takes its place.
    const missing = await ask(files, `${app}/_taskloom/index-of-another-build.js`);
    expect([missing.answer.status, missing.asked]).toEqual([404, false]);
    for (const host of [app, preview])
      for (const path of ["/", "/index.html", "/icon.svg", "/assets/index.js", "/_taskloom", "/v1/threads"])
        expect([host, path, (await ask(files, host + path)).asked]).toEqual([host, path, true]);
    for (const path of ["/", ...scripts])
      expect([path, (await ask(workerFirst, preview + path)).asked]).toEqual([path, true]);
  } finally {
    await files.dispose();
    await workerFirst.dispose();
  }
});
