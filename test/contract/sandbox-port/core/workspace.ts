// The core of the contract for a workspace: the same computer, as people use it.
import { expect, it } from "vitest";
import type { Workspace } from "../../../../src/agent/workspace.ts";
import { decoder, encoder, failureOf, fixture, untilEnd } from "../fixture.ts";

async function upload(workspace: Workspace, path: string, text: string, limit_bytes = 1_000): Promise<boolean> {
  const content = new Blob([text]).stream();
  return (await workspace.writeFile(path, { content, limit_bytes }, untilEnd())).is_new;
}

async function download(workspace: Workspace, path: string): Promise<string> {
  const { body } = await workspace.openFile(path, null, untilEnd());
  return new Response(body).text();
}

export function describeWorkspaceCore(): void {
  it("neither creates nor starts a sandbox to look at it, to stop it or to delete it", async () => {
    const { workspace } = fixture.open("looked-at");
    expect((await workspace.readState(untilEnd())).state).toBe("none");
    expect((await workspace.stop(untilEnd())).state).toBe("none");
    await workspace.destroy(untilEnd());
    expect(await workspace.findEndpoint(3000, untilEnd())).toBeNull();
    expect((await workspace.readState(untilEnd())).state).toBe("none");
  });

  it("starts and stops the sandbox, which keeps its files", async () => {
    const { workspace } = fixture.open("ordered");
    expect((await workspace.start(untilEnd())).state).toBe("started");
    await upload(workspace, "kept.txt", "kept");
    expect((await workspace.stop(untilEnd())).state).toBe("stopped");
    expect((await workspace.readState(untilEnd())).state).toBe("stopped");
    expect(await workspace.findEndpoint(3000, untilEnd())).toBeNull();
    expect(await download(workspace, "kept.txt")).toBe("kept");
    expect((await workspace.readState(untilEnd())).state).toBe("started");
  });

  it("shows people the tools' files, and the tools the people's files", async () => {
    const { workspace, sandbox } = fixture.open("both");
    await sandbox.writeFile("tools/made.txt", encoder.encode("by a tool"), untilEnd());
    expect(await download(workspace, "tools/made.txt")).toBe("by a tool");
    expect([
      await upload(workspace, "people/made.txt", "one"),
      await upload(workspace, "people/made.txt", "two"),
    ]).toEqual([true, false]);
    expect(decoder.decode(await sandbox.readFile("people/made.txt", untilEnd()))).toBe("two");
    const { entries, is_cut } = await workspace.listFiles("", 1, untilEnd());
    expect([entries.map(({ path }) => path), is_cut]).toEqual([["people", "tools"], false]);
    await workspace.deleteFile("people", true, untilEnd());
    expect((await failureOf(workspace.openFile("people/made.txt", null, untilEnd()))).code).toBe("not_found");
  });

  it("writes an upload completely or not at all, and only within the work dir", async () => {
    const { workspace } = fixture.open("uploads");
    await upload(workspace, "whole.txt", "former");
    expect((await failureOf(upload(workspace, "whole.txt", "too long", 4))).code).toBe("too_large");
    expect(await download(workspace, "whole.txt")).toBe("former");
    for (const path of ["../up.txt", "/etc/up.txt"]) {
      expect(["refused", "invalid"]).toContain((await failureOf(upload(workspace, path, ""))).code);
    }
  });

  it("deletes the sandbox that its labels match, and no other", async () => {
    const { workspace } = fixture.open("meant");
    await workspace.start(untilEnd());
    await workspace.destroy(untilEnd(), () => false);
    expect((await workspace.readState(untilEnd())).state).toBe("started");
    const shown: Record<string, string>[] = [];
    await workspace.destroy(untilEnd(), (labels) => shown.push(labels) > 0);
    expect(shown[0]).toMatchObject({ purpose: "contract" });
    expect((await workspace.readState(untilEnd())).state).toBe("none");
  });
}
