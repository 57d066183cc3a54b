/** The contract of a Daytona as Taskloom and its users rely on it, through the SDK alone. */
import { afterAll, beforeAll, describe } from "vitest";
import type { Mode } from "../../../dev/daytona/rules.ts";
import { describeSshAccess } from "./access.ts";
import { describeOldDaemon } from "./as-old.ts";
import { describeBuilds } from "./builds.ts";
import { describeCommands } from "./commands.ts";
import { describeFiles } from "./files.ts";
import { describeFolders } from "./folders.ts";
import { describeGit } from "./git.ts";
import { describeGitHosts } from "./git-hosts.ts";
import { describeLife } from "./life.ts";
import { describeStates } from "./life-states.ts";
import { enter, type Place, type PlaceKind, place } from "./place.ts";
import { describeListeners, describePreviews } from "./ports.ts";
import { describeMissingSecrets, describeSecrets } from "./secrets.ts";
import { describeSessions } from "./sessions.ts";
import { describeTerminals } from "./terminals.ts";
import { describeUnsupported } from "./unsupported.ts";

/** A real Daytona creates a sandbox in seconds and archives one in minutes; the double does nothing that takes long. */
const timeouts: Record<PlaceKind, number> = { double: 30_000, daytona: 300_000, toolbox: 60_000 };

export function describeDaytona(name: string, kind: PlaceKind, open: () => Promise<Place>, mode?: Mode): void {
  describe(name, { timeout: timeouts[kind] }, () => {
    beforeAll(async () => enter(await open()), timeouts[kind]);
    afterAll(() => place?.close(), timeouts[kind]);

    describe("commands", describeCommands);
    describe("sessions", describeSessions);
    describe("files", describeFiles);
    describe("folders", describeFolders);
    describe("as in 0.190", describeOldDaemon);
    describe("git", describeGit);
    describe("terminals", describeTerminals);
    describe("listeners", describeListeners);
    if (kind === "toolbox") return;
    describe("previews", describePreviews);
    describe("ssh", describeSshAccess);
    describe("life", () => {
      describeLife();
      describeStates();
    });
    describe("builds", describeBuilds);
    describe("secrets", mode === "0.190" ? describeMissingSecrets : describeSecrets);
    if (kind === "double") {
      describe("git hosts", describeGitHosts);
      if (mode !== "0.190") describe("unsupported here", describeUnsupported);
    }
  });
}
