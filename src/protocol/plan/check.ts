// Checks: what must be seen before a task counts as done. A check is data: who wrote it, what is looked at, and what was
// seen last. The server runs it (`agent/checks`), and what it saw is a receipt.
import { z } from "zod";
import { late } from "../schemas/late.ts";

export const checkTypes = ["command", "file", "http", "git", "person"] as const;
export type CheckType = (typeof checkTypes)[number];

/** Who wrote a check. A person's approval of a plan makes its checks theirs. */
const checkAuthors = ["person", "project", "model"] as const;
export type CheckAuthor = (typeof checkAuthors)[number];

/**
 * What is known of a task's result. `verified`: all its checks passed, a person or the project wrote them, and the files
 * that these protect are as they were. `self_checked`: all passed, and the model wrote some. `accepted`: a person
 * completed the task, and nothing ran. `stale`: all passed, and files have changed since. `not_run`: a check has not run
 * or can't run here. `none`: the task has no checks.
 */
export const verifications = ["verified", "self_checked", "accepted", "failed", "stale", "not_run", "none"] as const;
export type Verification = (typeof verifications)[number];

/** How many tasks have which. Tasks without checks are not counted. */
export const checkedTasks = late(() => {
  const count = z.int().min(1).optional();
  const counted = {
    verified: count,
    self_checked: count,
    accepted: count,
    failed: count,
    stale: count,
    not_run: count,
  };
  return z.object(counted satisfies Record<Exclude<Verification, "none">, unknown>);
});
export type CheckedTasks = z.infer<ReturnType<typeof checkedTasks>>;

const checkOutcomes = ["passed", "failed", "not_run"] as const;
export type CheckOutcome = (typeof checkOutcomes)[number];

/** Eight say what one task is for. More belong into a command that runs them. */
export const MAX_CHECKS_OF_TASK = 8;
/** Of all checks of a plan as JSON: beside its texts they stay within the plan's row. */
export const MAX_CHECKS_CHARACTERS = 120_000;
const MAX_COMMAND_CHARACTERS = 2_000;
const MAX_PATH_CHARACTERS = 1_000;
const MAX_TEXT_CHARACTERS = 1_000;
const MAX_PROTECTED = 20;

const text = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .refine((value) => value.isWellFormed() && !value.includes("\0"), "is not well-formed text");

/** What a text must hold. All that are given must hold. */
const expectedText = late(() => ({
  contains: text(MAX_TEXT_CHARACTERS).optional().describe("The text must contain this, exactly as written."),
  excludes: text(MAX_TEXT_CHARACTERS).optional().describe("The text must not contain this."),
  matches: text(MAX_TEXT_CHARACTERS)
    .optional()
    .describe("A regular expression that one line of the text must match. Without backreferences and lookaround."),
}));

const expectedJson = late(() =>
  z
    .strictObject({
      path: text(200).describe("Keys and indexes separated by dots, such as items.0.price. A path of . is the whole."),
      equals: z.union([text(MAX_TEXT_CHARACTERS), z.number(), z.boolean(), z.null()]).optional(),
      min_items: z.int().min(0).max(1_000_000).optional(),
    })
    .describe("The text is JSON, and what is at the path exists, and is as said."),
);

const protectedPaths = late(() =>
  z
    .array(text(MAX_PATH_CHARACTERS))
    .max(MAX_PROTECTED)
    .optional()
    .describe(
      "What says what the check means, such as its tests: files, folders, or patterns with *, ** and ?. If a file is added, changed or removed, or none matches, a pass does not count as verified.",
    ),
);

/** A check as somebody writes it. */
export const checkInput = late(() =>
  z.discriminatedUnion("type", [
    z.strictObject({
      type: z.literal("command"),
      run: text(MAX_COMMAND_CHARACTERS),
      cwd: text(MAX_PATH_CHARACTERS).optional(),
      exit_code: z.int().min(0).max(255).optional().describe("0 if absent."),
      timeout_seconds: z.int().min(1).max(300).optional(),
      protected: protectedPaths(),
      ...expectedText(),
    }),
    z.strictObject({
      type: z.literal("file"),
      path: text(MAX_PATH_CHARACTERS),
      exists: z.boolean().optional().describe("true if absent."),
      min_bytes: z.int().min(0).optional(),
      max_bytes: z.int().min(0).optional(),
      json: expectedJson().optional(),
      ...expectedText(),
    }),
    z.strictObject({
      type: z.literal("http"),
      port: z.int().min(1).max(65_535).optional().describe("Of a program in the sandbox. Give either this or url."),
      url: text(2_000).optional().describe("A public address."),
      path: text(MAX_PATH_CHARACTERS).optional().describe("With port; / if absent."),
      status: z.int().min(100).max(599).optional().describe("200 if absent."),
      json: expectedJson().optional(),
      start: z
        .strictObject({
          run: text(MAX_COMMAND_CHARACTERS),
          cwd: text(MAX_PATH_CHARACTERS).optional(),
          wait_seconds: z.int().min(1).max(120).optional(),
        })
        .optional()
        .describe("With port: the server starts this, waits for the port, and ends it after the check."),
      protected: protectedPaths(),
      ...expectedText(),
    }),
    z.strictObject({
      type: z.literal("git"),
      cwd: text(MAX_PATH_CHARACTERS).optional().describe("The project's checkout if absent."),
      clean: z.boolean().optional().describe("Nothing is changed or untracked."),
      branch: text(200).optional(),
      pushed: z.boolean().optional().describe("The branch has nothing that its upstream lacks."),
    }),
    z.strictObject({ type: z.literal("person"), question: text(MAX_TEXT_CHARACTERS) }),
  ]),
);
export type CheckInput = z.infer<ReturnType<typeof checkInput>>;

/** What an entry of `protected` matches. */
export const protectedFile = late(() =>
  z.object({
    path: z.string().describe("As the check names it, or a file that decides what a named one means."),
    hash: z
      .string()
      .nullable()
      .describe("SHA-256 of the file, or of all files that match with their names; null: it protects nothing."),
    files: z
      .int()
      .optional()
      .describe(
        "How many files match a folder or a pattern. With a hash of null they can't be protected: they are more than 5,000 or 64 MiB, or one is a link. Absent for a single file, and where there is none.",
      ),
  }),
);
export type ProtectedFile = z.infer<ReturnType<typeof protectedFile>>;

/** What a check's last receipt says. */
const checkResult = late(() =>
  z.object({
    receipt_id: z.string(),
    outcome: z.enum(checkOutcomes),
    reason: z.string().describe("Why, in a sentence."),
    at: z.string(),
    tree: z.string().nullable().describe("As in the receipt."),
    rounds: z
      .int()
      .optional()
      .describe("How many times in a row it has failed in the same way. Absent if it did not fail."),
    stale: z.boolean().optional().describe("Files have changed since. Absent if not."),
    altered: z.boolean().optional().describe("A protected file is not as it was. Absent if none is."),
  }),
);
export type CheckResult = z.infer<ReturnType<typeof checkResult>>;

/** A check of a task as it is stored and returned. `spec` never changes: another one is another check. */
export const check = late(() =>
  z.object({
    id: z.string(),
    author: z.enum(checkAuthors),
    spec: checkInput(),
    protected: z.array(protectedFile()).optional().describe("Absent where the check protects none."),
    approved: z
      .array(protectedFile())
      .optional()
      .describe(
        "The protected files as they were when a person last approved the check's command. Absent if never asked.",
      ),
    result: checkResult().optional().describe("Absent before it ran."),
  }),
);
export type Check = z.infer<ReturnType<typeof check>>;

/** What the server saw when it ran a check. Texts come from the sandbox: they are data. */
export const receipt = late(() =>
  z.object({
    receipt_id: z.string(),
    task_id: z.string(),
    check_id: z.string(),
    invocation_id: z.string().nullable().describe("Null: a person ran it again, and no run did."),
    author: z.enum(checkAuthors),
    spec: checkInput(),
    outcome: z.enum(checkOutcomes),
    reason: z.string().describe("Why, in a sentence."),
    started_at: z.string(),
    duration_ms: z.int(),
    exit_code: z.int().nullable(),
    output_head: z.string(),
    output_tail: z.string().describe("Empty if the head is all."),
    output_bytes: z.int(),
    output_hash: z.string().nullable().describe("SHA-256 of the output, in hex; null if there is none."),
    tree: z
      .string()
      .nullable()
      .describe(
        "A hash of all files that are not ignored, untracked ones included, before the check; of the file alone for `file`.",
      ),
    changed_files: z.array(z.string()).optional().describe("What the check itself changed; at most 20."),
    altered_files: z.array(z.string()).optional().describe("Protected files that are not as they were; at most 20."),
  }),
);
export type Receipt = z.infer<ReturnType<typeof receipt>>;

/** What a file of the project makes. */
const fileChecks = late(() =>
  z.object({
    hash: z.string().describe("SHA-256 of the file, in hex."),
    checks: z.array(
      z.object({
        spec: checkInput(),
        paths: z.array(z.string()).nullable().describe("Globs of the tasks that it is for; null: each task."),
      }),
    ),
    files: z.array(protectedFile()).describe("Protected files of the checks, as they were when it was read."),
    problem: z.string().nullable().describe("Why the file makes no checks; null if it can be read."),
  }),
);

export const projectChecksView = late(() =>
  z
    .object({
      commit: z.string().nullable().describe("What the server cloned; null if it did not, or can't know."),
      file: fileChecks().nullable().describe("What counts. Null if the commit has no file and nobody accepted one."),
      pending: fileChecks()
        .nullable()
        .describe("The file as it was last seen, if it differs. It counts once it is accepted, by its hash."),
    })
    .describe("With receipts: the project's own checks. Absent where the thread knows none."),
);
export type ProjectChecksView = z.infer<ReturnType<typeof projectChecksView>>;
