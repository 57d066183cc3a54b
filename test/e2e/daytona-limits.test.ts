/**
 * What one sandbox of the Daytona-compatible server may use of the machine.
 */
import type { Sandbox } from "@daytonaio/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, type Fixture, startFixture } from "./daytona-fixture.ts";

let fixture: Fixture;
let sandbox: Sandbox;

beforeAll(async () => {
  fixture = await startFixture();
  sandbox = await fixture.client.create();
});

afterAll(() => fixture.dispose());

async function shell(command: string): Promise<{ exitCode: number; result: string }> {
  return sandbox.process.executeCommand(command, undefined, undefined, 60);
}

describe("the limits of a sandbox", () => {
  it("allow no file larger than its disk", async () => {
    const { result } = await shell("truncate -s 3073M sparse; echo $?; truncate -s 3071M sparse; echo $?; rm sparse");
    expect(result).toMatch(/\b[1-9]\d*\n0\n$/);
  });

  it("bound the memory of a process, and node still runs", async () => {
    const { result } = await shell("python3 -c 'bytearray(9 << 30)' 2>&1 | tail -n 1; node -p 6*7");
    expect(result).toBe("MemoryError\n42\n");
  });

  it("make the kernel end it before the server when memory runs out", async () => {
    expect(Number((await shell("cat /proc/self/oom_score_adj")).result)).toBeGreaterThanOrEqual(500);
  });

  it("allow no core dumps", async () => {
    expect((await shell("ulimit -c; ulimit -Hc")).result).toBe("0\n0\n");
  });

  it("end its processes when there are too many, and it continues", async () => {
    const { result, exitCode } = await shell("for i in $(seq 1 1500); do sleep 300 & done; echo all; wait");
    expect({ exitCode, all: result.includes("all\n") && exitCode === 0 }).toEqual({ exitCode: 137, all: false });
    // A killed process is gone only once its parent has noticed: some still end while others are counted.
    await eventually(async () => {
      const { result } = await shell("ls -d /proc/[0-9]* 2>/dev/null | wc -l");
      return Number(result) < 100;
    });
  });
});
