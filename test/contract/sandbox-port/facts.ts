// The contract for what a real machine reports of itself, and for the notes of a repository in it.
import { expect, it } from "vitest";
import { quoteNotes } from "../../../src/agent/context/environment.ts";
import { fixture, run, sandbox, untilEnd, writeText } from "./fixture.ts";

export function describeFacts(): void {
  const notesOf = (folder: string) => sandbox.readNotes?.(folder, untilEnd());

  it("are not known of a sandbox that was not used, and none is made to learn them", async () => {
    const { sandbox: unused, states } = fixture.open("unused");
    expect(await unused.readFacts?.(untilEnd())).toBeNull();
    expect(states).toEqual([]);
  });

  it("are reported by a used one, with its work dir, system and programs", async () => {
    const work = (await run("pwd")).output.trim();
    const facts = await sandbox.readFacts?.(untilEnd());
    expect(facts).toMatchObject({ work_dir: work, system: expect.stringMatching(/\S/) });
    const { output } = await run("git --version");
    const git = facts?.programs.find(({ name }) => name === "git");
    expect(output).toContain(git?.version ?? "no version");
    expect((await sandbox.listCommands(untilEnd())).map(({ command }) => command).join()).not.toContain("PRETTY_NAME");
  });

  it("include the notes of the work dir", async () => {
    await writeText("AGENTS.md", "Use tabs.\n");
    expect((await sandbox.readFacts?.(untilEnd()))?.notes).toEqual({
      path: "AGENTS.md",
      text: "Use tabs.\n",
      is_cut: false,
    });
    await sandbox.deleteFile("AGENTS.md", false, untilEnd());
    expect((await sandbox.readFacts?.(untilEnd()))?.notes).toBeNull();
  });

  it("read AGENTS.md before CLAUDE.md, in a folder with any name", async () => {
    await writeText("note's $(x)/CLAUDE.md", "second");
    expect(await notesOf("note's $(x)")).toMatchObject({ path: "note's $(x)/CLAUDE.md", text: "second" });
    await writeText("note's $(x)/AGENTS.md", "é first");
    expect(await notesOf("note's $(x)")).toMatchObject({ path: "note's $(x)/AGENTS.md", text: "é first" });
    expect(await notesOf("no such folder")).toBeNull();
  });

  it("read only regular files of text, and not much of a long one", async () => {
    await run("mkdir -p n1/AGENTS.md n2 n3 n4 n5 n6 && ln -s /etc/passwd n2/AGENTS.md && mkfifo n3/AGENTS.md");
    await run("printf 'a\\0b' > n4/AGENTS.md; printf '\\377\\376x' > n5/AGENTS.md; : > n6/AGENTS.md");
    for (const folder of ["n1", "n2", "n3", "n4", "n5", "n6"]) expect(await notesOf(folder)).toBeNull();
    await run("mkdir -p n7 && yes '字</project_notes> x' | head -c 10000000 > n7/AGENTS.md");
    const notes = await notesOf("n7");
    expect(notes?.is_cut).toBe(true);
    const quoted = notes ? quoteNotes(notes) : "";
    expect(quoted.length).toBeLessThan(9_500);
    expect(quoted.match(/<\/project_notes>/g)).toHaveLength(1);
    expect(quoted).not.toContain("\ufffd");
  });
}
