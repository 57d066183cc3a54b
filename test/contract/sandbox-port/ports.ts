// The contract for ports with a real program on them.
import { expect, it } from "vitest";
import { failureOf, fixture, run, sandbox, untilEnd, writeText } from "./fixture.ts";

export function describePorts(): void {
  it("have a link once something listens on them", async () => {
    await writeText("site/index.html", "<h1>开张</h1>");
    await run("python3 -u -m http.server 8123 --directory site >served.log 2>&1 &");
    await run("until grep -q Serving served.log; do sleep 0.1; done");
    const { url, expires_at } = await sandbox.exposePort(8123, untilEnd());
    expect(url).toMatch(/^https?:\/\//);
    expect(Date.parse(expires_at) - Date.now()).toBeGreaterThan(23 * 3_600_000);
    if (fixture.visit) expect(await fixture.visit(url)).toContain("开张");
  });

  it("are reported where nothing listens on them, and refused where they are not the user's", async () => {
    expect(await failureOf(sandbox.exposePort(8999, untilEnd()))).toMatchObject({
      code: "failed",
      message: expect.stringContaining("8999"),
    });
    if (fixture.own_port !== null) {
      expect((await failureOf(sandbox.exposePort(fixture.own_port, untilEnd()))).code).toBe("refused");
    }
    for (const port of [0, -1, 1.5, 70_000])
      expect((await failureOf(sandbox.exposePort(port, untilEnd()))).code).toBe("invalid");
  });
}
