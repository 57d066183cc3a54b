// The contract for ports, on which a real program listens.
import { expect, it } from "vitest";
import { failureOf, house, run, sandbox, untilEnd, writeText } from "./fixture.ts";

export function describePorts(): void {
  it("links to a port once something listens on it", async () => {
    await writeText("site/index.html", "<h1>开张</h1>");
    await run("python3 -m http.server 8123 --directory site >/dev/null 2>&1 &");
    const { url, expires_at } = await sandbox.exposePort(8123, untilEnd());
    expect(url).toMatch(/^https?:\/\//);
    expect(Date.parse(expires_at) - Date.now()).toBeGreaterThan(23 * 3_600_000);
    if (house.visit) expect(await house.visit(url)).toContain("开张");
  });

  it("says that nothing listens on a port, and refuses what is no port of the user's", async () => {
    expect(await failureOf(sandbox.exposePort(8999, untilEnd()))).toMatchObject({
      code: "failed",
      message: expect.stringContaining("8999"),
    });
    if (house.own_port !== null) {
      expect((await failureOf(sandbox.exposePort(house.own_port, untilEnd()))).code).toBe("refused");
    }
    for (const port of [0, -1, 1.5, 70_000])
      expect((await failureOf(sandbox.exposePort(port, untilEnd()))).code).toBe("invalid");
  });
}
