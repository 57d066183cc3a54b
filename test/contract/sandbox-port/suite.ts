// What every sandbox must do, whatever it is made of. An implementation's test file names it and says how to get one.
import { afterAll, beforeAll, describe } from "vitest";
import { describeCommands, describeLongCommands } from "./commands.ts";
import { describeCommandCore } from "./core/commands.ts";
import { describeFileCore, describeFolderCore } from "./core/files.ts";
import { describeLifeCore } from "./core/life.ts";
import { describeWorkspaceCore } from "./core/workspace.ts";
import { describeFiles } from "./files.ts";
import { enter, house, type SandboxHouse } from "./fixture.ts";
import { describePorts } from "./ports.ts";

const options = { timeout: 60_000 };

/** What the rest of the product relies on. A provider that passes it can serve every thread. */
export function describeSandboxCore(name: string, makeHouse: () => Promise<SandboxHouse>): void {
  describe(`the sandbox of ${name}`, options, () => {
    useHouse(makeHouse);
    describeCore();
  });
}

/** The core, and what only a real machine can do. A provider that runs one must pass all of it. */
export function describeSandbox(name: string, makeHouse: () => Promise<SandboxHouse>): void {
  describe(`the sandbox of ${name}`, options, () => {
    useHouse(makeHouse);
    describeCore();
    describe("a shell's commands", describeCommands);
    describe("a shell's long commands", describeLongCommands);
    describe("a machine's files", describeFiles);
    describe("ports", describePorts);
  });
}

function useHouse(makeHouse: () => Promise<SandboxHouse>): void {
  beforeAll(async () => {
    enter(await makeHouse());
  });
  afterAll(() => house.close());
}

function describeCore(): void {
  describe("commands", describeCommandCore);
  describe("files", describeFileCore);
  describe("folders and searches", describeFolderCore);
  describe("its life", describeLifeCore);
  describe("its workspace", describeWorkspaceCore);
}
