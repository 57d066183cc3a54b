import { describe, expect, it } from "vitest";
import { readConfig } from "../config.ts";
import { readOperatorLimits } from "./limits.ts";

const read = (env: object) => readOperatorLimits(env);

describe("ALWAYS_APPROVE", () => {
  it("is pushes and links unless it says otherwise", () => {
    const usual = { git_push: ["*"], expose_port: ["*"] };
    for (const ALWAYS_APPROVE of [undefined, "", "  "]) {
      expect(read({ ALWAYS_APPROVE })).toEqual({ max_steps: null, always_approve: usual, problem: null });
    }
  });

  it("takes none, tools, and calls as an agent's approvals write them", () => {
    expect(read({ ALWAYS_APPROVE: "None" }).always_approve).toEqual({});
    expect(
      read({ ALWAYS_APPROVE: "git_push, execute_command: rm *,execute_command: git push*," }).always_approve,
    ).toEqual({ git_push: ["*"], execute_command: ["rm *", "git push*"] });
  });

  it.each([
    "git_psh",
    "expose_port,none",
    "execute_command: rm *, GIT_PUSH",
    "execute_command:",
    "canary-secret: *",
    ",",
    " , ",
  ])("is wrong as %j: it says the place and the tools, and quotes nothing", (ALWAYS_APPROVE) => {
    const { problem, always_approve } = read({ ALWAYS_APPROVE });
    // Calls that a former life left are made before any model is asked.
    expect(always_approve).toEqual({ git_push: ["*"], expose_port: ["*"] });
    expect(problem).toMatch(/^The server's setting ALWAYS_APPROVE is wrong at place [12]: .* git_push, .*expose_port/);
    expect(problem).not.toMatch(/canary|git_psh|GIT_PUSH/);
  });
});

describe("MAX_STEPS", () => {
  it("is a whole number up to what a run may ask for", () => {
    expect(read({ MAX_STEPS: " 50 " }).max_steps).toBe(50);
    expect(read({ MAX_STEPS: 7 }).max_steps).toBe(7);
    for (const MAX_STEPS of ["0", "1001", "1.5", "-3", "many", "1e2"]) {
      expect(read({ MAX_STEPS }).problem).toBe("The server's setting MAX_STEPS must be a whole number from 1 to 1000.");
    }
  });
});

it("a wrong limit is what all runs fail with, after a wrong setting of models", () => {
  const problemOf = (settings: Record<string, string>) => readConfig(settings as never).models.problem;
  expect(problemOf({ MAX_STEPS: "x" })).toMatch(/MAX_STEPS/);
  expect(problemOf({ MAX_STEPS: "x", MODELS_ALLOWED: "a b" })).toBe(
    "The server's setting MODELS_ALLOWED must be patterns of models such as gpt-5* or server/*, separated by commas.",
  );
  expect(problemOf({})).toBeNull();
});
