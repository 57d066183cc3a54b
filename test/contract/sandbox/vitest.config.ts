// The contract suite on a Daytona that is not ours: no build, no browser, no stand-in. `main.ts` runs it.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "contract",
    root: `${import.meta.dirname}/../../..`,
    include: ["test/contract/sandbox/real.test.ts"],
    expect: { poll: { timeout: 20_000 } },
    hookTimeout: 300_000,
  },
});
