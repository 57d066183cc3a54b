// `npm run setup` and `npm run deploy` as processes, with the real wrangler, against the stand-in for Cloudflare.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CloudflareOptions, type RunningCloudflare, startCloudflare } from "../../dev/cloudflare/server.ts";
import { compiled, root } from "./started-server.ts";

export const TOKEN = "token-of-the-tests-0123456789";

export interface CommandRun {
  code: number | null;
  /** All that it printed. */
  text: string;
}

export interface Deploying {
  cloudflare: RunningCloudflare;
  /** Where the environments' folders are. */
  folder: string;
  setUp(args?: string[], variables?: Record<string, string>): Promise<CommandRun>;
  deploy(args?: string[], variables?: Record<string, string>): Promise<CommandRun>;
  /** The deploy that runs now and all that it has started. */
  kill(): void;
  /** Writes an environment's own lines. */
  writeOwn(text: string, environment?: string): Promise<void>;
  /** Keys as setup would have left them, without asking anybody. */
  writeSecrets(secrets?: Record<string, string>, environment?: string): Promise<void>;
  close(): Promise<void>;
}

export const someSecrets = {
  ADMIN_API_KEY: "tl_the-admin-key-of-these-tests-0123456789",
  ENCRYPTION_KEY: "the-encryption-key-of-these-tests-0123456789",
  OPENAI_API_KEY: "sk-the-model-key-of-these-tests",
};

export async function startDeploying(options: Partial<CloudflareOptions> = {}): Promise<Deploying> {
  const cloudflare = await startCloudflare({ port: 0, token: TOKEN, ...options });
  const place = await mkdtemp(join(tmpdir(), "taskloom-deploying-"));
  const folder = join(place, "deploy");
  let running: ChildProcess | null = null;
  const run = (file: string, args: string[], variables: Record<string, string>): Promise<CommandRun> => {
    const child = spawn(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", join(root, file), "--folder", folder, ...args],
      {
        cwd: root,
        // A group of its own, which a test can end as a whole.
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
        // Nothing of the developer's: neither an account nor settings.
        env: {
          ...{ PATH: process.env.PATH ?? "", HOME: place, ...compiled },
          ...{ CLOUDFLARE_API_BASE_URL: cloudflare.url, CLOUDFLARE_API_TOKEN: TOKEN, ...variables },
        },
      },
    );
    running = child;
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
    }
    return new Promise((resolve) => child.once("close", (code) => resolve({ code, text })));
  };
  const write = async (environment: string, name: string, text: string): Promise<void> => {
    await mkdir(join(folder, environment), { recursive: true, mode: 0o700 });
    await writeFile(join(folder, environment, name), text, { mode: 0o600 });
  };
  return {
    ...{ cloudflare, folder },
    setUp: (args = [], variables = {}) => run("dev/setup/main.ts", ["--yes", ...args], variables),
    deploy: (args = [], variables = {}) => run("dev/deploy/main.ts", args, variables),
    kill() {
      if (running?.pid !== undefined) process.kill(-running.pid, "SIGKILL");
    },
    writeOwn: (text, environment = "production") => write(environment, "own.toml", text),
    writeSecrets: (secrets = someSecrets, environment = "production") =>
      write(environment, "secrets.json", JSON.stringify(secrets)),
    close: async () => {
      await cloudflare.close();
      await rm(place, { recursive: true, force: true });
    },
  };
}

export interface HealthyServer {
  url: string;
  /** What it was asked, with the key. */
  asked: { path: string; key: string | undefined }[];
  /** What it answers from now on. */
  answer(status: number, body: object): void;
  close(): Promise<void>;
}

/** In place of the deployment, where a test is about the deploy alone. */
export async function startHealthy(): Promise<HealthyServer> {
  const asked: HealthyServer["asked"] = [];
  let [status, body]: [number, object] = [200, { status: "ok", checks: [{ name: "d1", ok: true, ms: 3 }] }];
  const server = http.createServer((request, response) => {
    asked.push({ path: request.url ?? "", key: request.headers.authorization });
    const isHealth = request.url?.startsWith("/healthz") === true;
    response.writeHead(isHealth ? status : 404, { "content-type": "application/json" });
    response.end(JSON.stringify(isHealth ? body : {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    asked,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answer: (...given) => {
      [status, body] = given;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
