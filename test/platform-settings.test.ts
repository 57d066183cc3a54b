// What wrangler.toml sets on the platform, where code depends on it.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { unstable_readConfig } from "wrangler";
import { VERSION_MS } from "../src/sweeps.ts";

const config = unstable_readConfig({ config: join(import.meta.dirname, "../wrangler.toml") });

describe("wrangler.toml", () => {
  it("lets objects from before a deploy end before secrets are sealed with a key that they lack", () => {
    const { code_update_strategy } = config.durable_objects as { code_update_strategy?: { max_delay?: number } };
    expect(code_update_strategy?.max_delay).toBeGreaterThan(300);
    expect(VERSION_MS).toBeGreaterThanOrEqual((code_update_strategy?.max_delay ?? 0) * 1000 + 300_000);
  });

  it("has the flags that code depends on", () => {
    expect(config.compatibility_flags).toEqual(
      expect.arrayContaining(["enable_request_signal", "global_fetch_strictly_public"]),
    );
  });

  it("keeps addresses with secrets in their hosts or queries out of the platform's logs", () => {
    const { redact_query_string, logs } = config.observability as typeof config.observability & {
      redact_query_string?: boolean;
    };
    expect([redact_query_string, logs?.invocation_logs]).toEqual([true, false]);
  });
});
