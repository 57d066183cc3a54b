/// <reference types="@cloudflare/vitest-plugin/types" />
// The `env` of tests in workerd: the Worker's bindings, and the migrations.
import type { D1Migration } from "cloudflare:test";
import type { Env as WorkerEnv } from "../../src/config.ts";

declare global {
  namespace Cloudflare {
    interface Env extends WorkerEnv {
      TEST_MIGRATIONS: D1Migration[];
    }
  }
}
