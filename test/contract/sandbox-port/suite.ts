// The contract of every sandbox. An implementation's test file names it and provides a fixture.
import { afterAll, beforeAll, describe } from "vitest";
import { describeCheckTrees } from "./check-trees.ts";
import { describeCheckCommands, describeCheckLooks, describeCheckPlace, describeCheckPrograms } from "./checks.ts";
import { describeCommands, describeLongCommands } from "./commands.ts";
import { describeCommandCore } from "./core/commands.ts";
import { describeFileCore, describeFolderCore } from "./core/files.ts";
import { describeLifeCore } from "./core/life.ts";
import { describeWorkspaceCore } from "./core/workspace.ts";
import { describeFacts } from "./facts.ts";
import { describeFiles } from "./files.ts";
import { enter, fixture, type SandboxFixture } from "./fixture.ts";
import { describePorts } from "./ports.ts";

const options = { timeout: 60_000 };

/** What the rest of the product relies on. A provider that passes it can serve every thread. */
export function describeSandboxCore(name: string, makeFixture: () => Promise<SandboxFixture>): void {
  describe(`the sandbox of ${name}`, options, () => {
    useFixture(makeFixture);
    describeCore();
  });
}

/** The core, and what only a real machine can do. A provider that runs one must pass all of it. */
export function describeSandbox(name: string, makeFixture: () => Promise<SandboxFixture>): void {
  describe(`the sandbox of ${name}`, options, () => {
    useFixture(makeFixture);
    describeCore();
    describe("a shell's commands", describeCommands);
    describe("a shell's long commands", describeLongCommands);
    describe("a machine's files", describeFiles);
    describe("a machine's facts", describeFacts);
    describe("ports", describePorts);
    describe("a place for checks", describeCheckPlace);
  });
}

/** What a machine that runs checks must withstand. A provider with `Sandbox.checks` must pass it too. */
export function describeSandboxChecks(name: string, makeFixture: () => Promise<SandboxFixture>): void {
  describe(`checks in the sandbox of ${name}`, options, () => {
    useFixture(makeFixture);
    describe("their commands", describeCheckCommands);
    describe("their trees", describeCheckTrees);
    describe("their looks at files and git", describeCheckLooks);
    describe("their programs", describeCheckPrograms);
  });
}

function useFixture(makeFixture: () => Promise<SandboxFixture>): void {
  beforeAll(async () => {
    enter(await makeFixture());
  });
  afterAll(() => fixture.close());
}

function describeCore(): void {
  describe("commands", describeCommandCore);
  describe("files", describeFileCore);
  describe("folders and searches", describeFolderCore);
  describe("its life", describeLifeCore);
  describe("its workspace", describeWorkspaceCore);
}
