// The contract for files that needs a real machine: its own files, and more data than fits.
import { expect, it } from "vitest";
import { failureOf, run, sandbox, untilEnd, writeText } from "./fixture.ts";

export function describeFiles(): void {
  it("report a write that is impossible", async () => {
    expect((await failureOf(writeText("/usr/share/never.txt", "x"))).code).not.toBe("unavailable");
  });

  it("are not read where they would not fit into memory", async () => {
    await run("head -c 11000000 /dev/zero > large.bin");
    expect((await failureOf(sandbox.readFile("large.bin", untilEnd()))).code).toBe("too_large");
    expect((await failureOf(sandbox.readFile("/dev/zero", untilEnd()))).code).not.toBe("unavailable");
  });

  it("are listed up to a thousand entries", async () => {
    await run("mkdir -p many && cd many && for i in $(seq 1 1100); do : > $i; done");
    expect(await sandbox.listFiles("many", 1, untilEnd())).toHaveLength(1000);
  });

  it("are searched within a limit when everything matches", async () => {
    await run('mkdir -p wide && for i in $(seq 1 3000); do echo "needle \\"$i\\""; done > wide/lines.txt');
    await run("head -c 600000 /dev/zero | tr '\\0' x > wide/minified.js; echo needle >> wide/minified.js");
    const matches = await sandbox.searchFiles("wide", "needle", untilEnd());
    expect(matches).toHaveLength(1000);
    expect(matches[0]).toEqual({ path: "wide/lines.txt", line: 1, text: 'needle "1"' });
    for (const { text } of matches) expect(text.length).toBeLessThan(1000);
  });
}
