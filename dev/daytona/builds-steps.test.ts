import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { carryOut, parseDockerfile } from "./dockerfile.ts";
import type { Image } from "./sandboxes.ts";

interface Ran {
  command: string;
  cwd: string;
  variables: Record<string, string>;
}

/** Carries a Dockerfile out with a shell that only records the commands and reports success. */
async function carry(...lines: string[]): Promise<{ image: Image; ran: Ran[]; log: string }> {
  const ran: Ran[] = [];
  let log = "";
  const image = await carryOut(parseDockerfile(lines.join("\n")), {
    run: async (command, place) => {
      ran.push({ command, ...place });
      return 0;
    },
    log: (text) => {
      log += text;
    },
  });
  return { image, ran, log };
}

/** Runs the recorded commands in a real shell and returns what they print. */
function runAll(ran: Ran[]): string {
  return ran.map(({ command }) => execFileSync("bash", { input: `${command}\n`, encoding: "utf8" })).join("");
}

describe("carryOut", () => {
  it("passes ARG and ENV to build commands, and only ENV to the sandbox", async () => {
    const lines = ["ARG BASE=x", "FROM $BASE:1", "ARG A=1", "ENV B=$A C='$A'", "ENV OLD some value", "RUN true"];
    const { image, ran } = await carry(...lines);
    expect(image).toEqual({ env: { B: "1", C: "$A", OLD: "some value" } });
    expect(ran).toMatchObject([{ cwd: "/home/daytona", variables: { A: "1", B: "1", BASE: "x" } }]);
  });

  it("changes directories for WORKDIR and creates only those that don't exist", async () => {
    const { image, ran } = await carry("FROM x", "WORKDIR /tmp", "WORKDIR a/b", "WORKDIR 'it''s'", "RUN true");
    expect(image.workDir).toBe("/tmp/a/b/its");
    expect(ran.map(({ command }) => command).slice(0, 2)).toEqual([
      "mkdir -p -- '/tmp/a/b' && test -w '/tmp/a/b'",
      "mkdir -p -- '/tmp/a/b/its' && test -w '/tmp/a/b/its'",
    ]);
    expect(ran[2]?.cwd).toBe("/tmp/a/b/its");
  });

  it("passes lines, lists, scripts and input to the shell unchanged", async () => {
    const { ran } = await carry(
      "FROM x",
      `RUN echo "a  b" 'c'\\''d' $((6*7))`,
      'RUN ["echo", "$HOME  \\"x\\"", "it\'s"]',
      "RUN <<EOF",
      "echo from a script",
      "exit 0",
      "EOF",
      "RUN --mount=type=cache,target=/x cat <<'END'",
      "$kept",
      "END",
    );
    expect(runAll(ran)).toBe(`a  b c'd 42\n$HOME  "x" it's\nfrom a script\n$kept\n`);
  });

  it("runs lines in the shell that SHELL names, and lists without a shell", async () => {
    const { ran, log } = await carry(
      "FROM x",
      'SHELL ["bash", "-uc"]',
      "RUN [[ a == a ]] && echo $0",
      'RUN ["echo", "b"]',
      "ONBUILD RUN x",
    );
    expect(runAll(ran)).toBe("bash\nb\n");
    expect(log).toContain("ignored");
    await expect(carry("FROM x", "SHELL bash")).rejects.toThrow(/SHELL needs a list/);
  });

  it("ends what a command leaves in the background and returns the command's exit code", async () => {
    const { ran } = await carry("FROM x", "RUN sleep 600 & echo done; exit 5");
    let failure: { status?: number; stdout?: string } = {};
    try {
      runAll(ran);
    } catch (error) {
      failure = error as typeof failure;
    }
    expect(failure).toMatchObject({ status: 5, stdout: "done\n" });
  });

  it("stores an entrypoint in either form, and runs neither ENTRYPOINT nor CMD", async () => {
    expect((await carry("FROM x", 'ENTRYPOINT ["a", "b"]', "CMD c")).image.entrypoint).toEqual(["a", "b"]);
    const { image, ran } = await carry("FROM x", "ENTRYPOINT a b");
    expect(image.entrypoint).toEqual(["/bin/sh", "-c", "a b"]);
    expect(ran).toEqual([]);
  });

  it("rejects invalid names and variables without a value", async () => {
    await expect(carry("FROM x", "ENV A-B=1")).rejects.toThrow(/not the name of a variable/);
    await expect(carry("FROM x", "ENV A=1 B")).rejects.toThrow(/B has no value/);
    await expect(carry("FROM x", "ENV A")).rejects.toThrow(/A has no value/);
    await expect(carry("FROM x", "constructor y")).rejects.toThrow(/unknown instruction/);
    await expect(carry("FROM")).rejects.toThrow(/FROM needs an image/);
    await expect(carry()).rejects.toThrow(/begins with FROM/);
  });
});
