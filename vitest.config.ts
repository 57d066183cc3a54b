// Three projects: `unit` in Node (pure code, and what runs on a developer's machine), `worker` in workerd with the
// bindings of wrangler.toml, `e2e` over TCP. External services are loopback servers that test/setup/servers.ts starts.
import { existsSync, mkdirSync } from "node:fs";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { configDefaults, defineConfig } from "vitest/config";
import { BaseSequencer, type TestSequencer, type TestSpecification, type Vitest } from "vitest/node";
import { MANY_REQUESTS } from "./test/setup/many-requests.ts";
import { isShort } from "./test/setup/run-count.ts";

const root = import.meta.dirname;

// wrangler.toml names this folder. The runtime refuses to start without it, and a clone has it only after a build.
mkdirSync(`${root}/dist/web`, { recursive: true });

/**
 * Files that take longest in each project, the longest first. vitest orders files by size, so small but slow ones would
 * start last and run alone.
 */
const longestEndToEnd = [
  // Of `e2e`.
  ...["kill", "start", "web", "sessions", "ask", "streams", "disconnect", "streams-wire", "model-faults"],
  ...["research", "web-signed-in", "leave", "web-access", "ag-ui", "run-failures", "project-secrets", "webhooks"],
  ...["sign-in", "ended-keys", "git-project", "key-limits", "model", "model-failover"],
  // Of `proofs`.
  ...["deploy-steps", "deploy-places", "sandbox-run-faults", "web-lives", "develop", "deploy"],
  ...["docs-page", "sandbox-daytona", "sandbox-git", "web-sign-in", "gated-commands"],
  ...["web-links-hostile", "many-sources", "git-kills", "git-histories", "web-access-shop"],
  ...["web-typed", "web-conversation", "start-beside", "web-users", "web-layout", "traces", "git-rules", "web-oidc"],
  ...["caps-said", "sign-in-hostile"],
  ...["daytona-contract", "sandbox-checks", "daytona-adapter-kills", "daytona-adapter-files"],
  ...["daytona-adapter-commands", "ports", "web-panels", "web-costs", "sandbox-files", "sandbox-git-kept", "audit"],
  ...["long-thread", "hops", "sandbox-secrets", "ended-keys-clients", "sandbox-failures", "web-key-limits"],
].map((name) => `e2e/${name}`);

const longestInWorkerd = [
  ...["sandbox", "tenancy-ids", "faults", "ended-keys", "silent-accounts", "tenancy-walk", "audit-acts"],
  ...["session-walk", "closed-accounts", "close-account", "full-walk"],
].map((name) => `worker/${name}`);

const longest = [...longestEndToEnd, ...longestInWorkerd, "contract/models/conversations"].map((name) =>
  findTest(`test/${name}`),
);

/** A name that leads nowhere would have no effect, and nobody would notice. */
function findTest(name: string): string {
  const path = `${root}/${name}.test.ts`;
  if (!existsSync(path)) throw new Error(`vitest.config.ts names ${path}, which does not exist`);
  return path;
}

function existing(name: string): string {
  if (!name.includes("*")) findTest(name);
  return `${name}.test.ts`;
}

/** Crowds and floods, which take a minute more: `npm run load`. */
const load = [
  "test/e2e/stream-load.test.ts",
  "test/e2e/daytona-load.test.ts",
  "test/e2e/quota-load.test.ts",
  "test/e2e/memory-load.test.ts",
  "test/e2e/memory-requests.test.ts",
  "test/e2e/memory-checks.test.ts",
];

/**
 * End-to-end tests that are long by nature, or whose promise has a shorter test in `npm test`. `npm test -- --all` runs
 * them too, as CI does. The main job, crashes, cancelling, signing in, tenancy, plans and streams stay in `e2e`.
 */
const proofs = [
  // What a hostile network, page or issuer does, and lives that end.
  ...["*hostile", "many-sources", "webhook-amplifier", "hops", "kill-checks", "web-lives", "start-beside", "audit"],
  // Deployments with the real wrangler, and `npm run dev` with its seven builds.
  ...["deploy", "deploy-*", "develop", "docs-page"],
  // The stand-ins' own, and sandboxes: test/worker/sandbox.test.ts has the same contract in workerd.
  ...["daytona*", "sandbox-daytona", "sandbox-run-faults", "sandbox-failures", "sandbox-checks", "sandbox-secrets"],
  ...["sandbox-files", "committed-files", "ports", "public-network"],
  // Git with hostile settings, repositories in every state, and commands behind approvals. `git-project` stays.
  ...["git-kills", "git-histories", "git-states", "git-rules", "git-askpass", "sandbox-git", "sandbox-git-kept"],
  ...["sandbox-without-git", "gated-commands"],
  // The page's settings and corners. Its main job, questions, approvals, a session and checks stay.
  ...["web-key-limits", "web-keys", "web-users", "web-oidc", "web-sessions", "web-secrets", "web-costs", "web-panels"],
  ...["web-layout", "web-slips", "web-waits", "web-again", "web-access-shop", "web-sign-in"],
  ...["web-typed", "web-conversation", "web-late"],
  // Faults and servers of models, of which `model-faults` and test/contract/models have most.
  ...["model-faults-*", "model-servers", "long-thread", "watched-words"],
  // The same by other clients, the end of an account, and what a collector gets.
  ...["ag-ui-ids", "ag-ui-versions", "ended-keys-clients", "close-account", "caps-said", "traces"],
].map((name) => existing(`test/e2e/${name}`));

/**
 * Of `unit`, what starts real programs for long: the stand-ins' own, scripts for sandboxes in a real shell, benchmarks.
 * CI runs them, as does whoever names a file.
 */
const longUnits = [
  ...["dev/model/shop", "dev/daytona/command-log", "dev/daytona/states-changes", "dev/cloudflare/edge"],
  ...["dev/start/migrations", "bench/scale/scale", "src/sandboxes/daytona/git/git-remote"],
  ...["src/sandboxes/daytona/checks/committed-script", "src/sandboxes/daytona/checks/tree-script"],
].map(existing);

/** Long enough for a busy machine: a poll fails only if its condition is never met. */
const patience = { poll: { timeout: 20_000 } };

/** Twice the cores of a small machine: each file runs whole servers, and half of its time waits for limits and back-offs. */
const endToEnd = {
  expect: patience,
  // Each file ends what it starts.
  isolate: false,
  globalSetup: ["test/setup/browser-ready.ts", "test/setup/build.ts", "test/setup/tables.ts"],
  maxWorkers: 4,
  testTimeout: 240_000,
  hookTimeout: 240_000,
};

class LongestFirst implements TestSequencer {
  readonly #vitest: Vitest;
  readonly #usual: BaseSequencer;

  constructor(vitest: Vitest) {
    this.#vitest = vitest;
    this.#usual = new BaseSequencer(vitest);
  }

  /** Each part gets as many of the long files. Nothing that an earlier run left may decide, or a file could be in no part. */
  async shard(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { index, count } = this.#vitest.config.shard ?? { index: 1, count: 1 };
    const byName = files.toSorted((one, other) => (one.moduleId < other.moduleId ? -1 : 1));
    return putLongestFirst(byName).filter((_, at) => at % count === index - 1);
  }

  async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return putLongestFirst(await this.#usual.sort(files));
  }
}

function putLongestFirst(files: TestSpecification[]): TestSpecification[] {
  const long = longest.flatMap((path) => files.filter(({ moduleId }) => moduleId === path));
  return [...long, ...files.filter((file) => !long.includes(file))];
}

async function readMigrations(): Promise<Awaited<ReturnType<typeof readD1Migrations>>> {
  return existsSync(`${root}/migrations`) ? readD1Migrations(`${root}/migrations`) : [];
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    coverage: {
      provider: "istanbul",
      include: ["src/**/*.ts"],
      exclude: ["src/web/**", "src/**/*.test.ts"],
      reporter: ["text", "text-summary"],
      thresholds: { lines: 90 },
    },
    projects: [
      {
        test: {
          name: "unit",
          expect: patience,
          // Modules are loaded once for many files: loading them for each took half of the time.
          isolate: false,
          setupFiles: ["test/setup/own-globals.ts"],
          // One more than the cores of a small machine, where vitest's own choice is a single worker.
          maxWorkers: 3,
          // A property test of seconds takes several times as long beside other work; the usual five seconds would test
          // the machine.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          include: [
            "src/**/*.test.{ts,tsx}",
            "dev/**/*.test.ts",
            "scripts/**/*.test.ts",
            "bench/**/*.test.ts",
            "test/hostile-pages/*.test.ts",
            "test/lies/*.test.ts",
            "examples/**/*.test.ts",
            "test/*.test.ts",
            "test/contract/models/*.test.ts",
            "test/contract/search/*.test.ts",
            "test/contract/sandbox/report.test.ts",
            "test/pages/*.test.ts",
          ],
          exclude: [...configDefaults.exclude, ...(isShort ? longUnits : [])],
        },
      },
      {
        plugins: [
          cloudflareTest(async ({ inject }) => ({
            wrangler: { configPath: `${root}/wrangler.toml` },
            miniflare: {
              bindings: {
                TEST_MIGRATIONS: await readMigrations(),
                ADMIN_API_KEY: "admin-key-of-the-tests",
                OPENAI_API_KEY: "model-key-of-the-tests",
                OPENAI_BASE_URL: inject<"openaiBaseUrl">("openaiBaseUrl"),
                OPENAI_MODEL: "scripted-demo",
                DAYTONA_API_KEY: inject<"daytonaApiKey">("daytonaApiKey"),
                DAYTONA_API_URL: inject<"daytonaApiUrl">("daytonaApiUrl"),
                CORS_ORIGINS: "https://app.example",
                STAND_INS: "model,sandbox",
                QUOTAS: MANY_REQUESTS,
              },
            },
          })),
        ],
        test: {
          name: "worker",
          expect: patience,
          isolate: false,
          // One more than the cores of a small machine: a third of the time waits for limits. Each loads all modules.
          maxWorkers: 3,
          // As above: what a test promises it asserts itself.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          include: ["test/worker/**/*.test.ts"],
          globalSetup: ["test/setup/servers.ts"],
          setupFiles: ["test/setup/migrations.ts"],
        },
      },
      { test: { ...endToEnd, name: "e2e", include: ["test/e2e/**/*.test.ts"], exclude: [...load, ...proofs] } },
      { test: { ...endToEnd, name: "proofs", include: proofs, exclude: load } },
      { test: { name: "load", include: load, fileParallelism: false, testTimeout: 90_000, hookTimeout: 90_000 } },
    ],
  },
});
