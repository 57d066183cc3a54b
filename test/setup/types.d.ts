/// <reference types="@cloudflare/vitest-plugin/types" />
// What tests in workerd find in `env`: the bindings of the Worker, and the migrations.
import type { D1Migration } from "cloudflare:test";
import type { Env as WorkerEnv } from "../../src/config.ts";

declare global {
  namespace Cloudflare {
    interface Env extends WorkerEnv {
      TEST_MIGRATIONS: D1Migration[];
    }
  }
}
