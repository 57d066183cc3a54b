// Three projects: `unit` in Node (pure code, and what runs on a developer's machine), `worker` in workerd with the
// bindings of wrangler.toml, `e2e` over TCP. External services are loopback servers that test/setup/servers.ts starts.
import { existsSync, mkdirSync } from "node:fs";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSequencer, type TestSpecification, type Vitest } from "vitest/node";
import { MANY_REQUESTS } from "./test/setup/many-requests.ts";

const root = import.meta.dirname;

// wrangler.toml names this folder. The runtime refuses to start without it, and a clone has it only after a build.
mkdirSync(`${root}/dist/web`, { recursive: true });

/**
 * Files that take longest in each project, the longest first. vitest orders files by size, so small but slow ones would
 * start last and run alone.
 */
const longest = [
  ...[
    "e2e/deploy-steps",
    "e2e/deploy-places",
    "e2e/sandbox-run-faults",
    "e2e/web-lives",
    "e2e/kill",
    "e2e/develop",
    "e2e/former-version",
    "e2e/versions",
    "e2e/version-checks",
    "e2e/model-faults",
    "e2e/docs-page",
    "e2e/web",
    "e2e/start",
    "e2e/web-sign-in",
    "e2e/web-links-hostile",
    "e2e/many-sources",
    "e2e/deploy",
    "e2e/git-kills",
    "e2e/git-histories",
    "e2e/git-rules",
    "e2e/sandbox-git",
    "e2e/webhooks",
    "e2e/sign-in-hostile",
    "e2e/web-oidc",
    "e2e/sessions",
    "e2e/sandbox-checks",
    "e2e/sandbox-daytona",
    "e2e/daytona-contract",
    "e2e/daytona-adapter-kills",
    "e2e/daytona-adapter-files",
    "e2e/daytona-adapter-commands",
    "e2e/gated-commands",
    "e2e/web-users",
    "e2e/web-secrets",
    "e2e/project-secrets",
    "e2e/sandbox-secrets",
    "e2e/web-layout",
    "e2e/sandbox-failures",
    "e2e/key-limits",
    "e2e/ended-keys-clients",
    "e2e/ended-keys",
    "e2e/web-key-limits",
    "e2e/web-typed",
    "e2e/disconnect",
    "e2e/leave",
    "e2e/web-access",
    "e2e/research",
    "e2e/web-waits",
    "e2e/web-conversation",
    "e2e/web-slips",
    "e2e/caps-said",
  ],
  ...[
    "worker/ended-keys",
    "worker/sandbox",
    "worker/tenancy-ids",
    "worker/tenancy-walk",
    "worker/faults",
    "worker/full-walk",
  ],
  ...["contract/models/conversations"],
].map(findTest);

/** A name that leads nowhere would have no effect, and nobody would notice. */
function findTest(name: string): string {
  const path = `${root}/test/${name}.test.ts`;
  if (!existsSync(path)) throw new Error(`vitest.config.ts names ${path}, which does not exist`);
  return path;
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
 * End-to-end tests that are long by nature: what a hostile network, page or issuer does, former versions, lives that
 * end, all pages of the API viewer, `npm run dev` with its seven builds, and the stand-ins' own. `npm test -- --all`
 * runs them too, as CI does.
 */
const proofs = [
  ...["test/e2e/daytona*.test.ts", "test/e2e/sandbox-run-faults.test.ts", "test/e2e/sandbox-failures.test.ts"],
  ...["test/e2e/sandbox-checks.test.ts", "test/e2e/kill-checks.test.ts"],
  ...["test/e2e/former-*.test.ts", "test/e2e/web-lives.test.ts", "test/e2e/*hostile.test.ts"],
  ...["test/e2e/many-sources.test.ts", "test/e2e/gated-places.test.ts", "test/e2e/model-faults-*.test.ts"],
  ...["test/e2e/web-key-limits.test.ts", "test/e2e/docs-page.test.ts", "test/e2e/develop.test.ts"],
  "test/e2e/deploy-*.test.ts",
  ...["test/e2e/git-kills.test.ts", "test/e2e/git-histories.test.ts", "test/e2e/git-states.test.ts"],
];

/** Long enough for a busy machine: a poll fails only if its condition is never met. */
const patience = { poll: { timeout: 20_000 } };

/** Twice the cores of a small machine: each file runs whole servers, and half of its time waits for limits and back-offs. */
const endToEnd = {
  expect: patience,
  // Each file ends what it starts.
  isolate: false,
  globalSetup: ["test/setup/browser-ready.ts", "test/setup/build.ts", "test/setup/tables.ts"],
  maxWorkers: 4,
  testTimeout: 90_000,
  hookTimeout: 90_000,
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
          testTimeout: 30_000,
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
          testTimeout: 30_000,
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
