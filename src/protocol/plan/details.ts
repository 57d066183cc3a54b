// What `GET …/tasks?include=…` adds to a plan.
import { z } from "zod";
import { late } from "../schemas/late.ts";
import { checkInput, protectedFile, type Receipt } from "./check.ts";
import type { Ledger } from "./ledger.ts";
import type { Plan } from "./task.ts";

export const planDetails = ["ledger", "receipts"] as const;
export type PlanDetails = (typeof planDetails)[number];

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

/** The project's own checks, as a thread knows them. */
export const projectChecksView = late(() =>
  z.object({
    commit: z.string().nullable().describe("What the server cloned; null if it did not, or can't know."),
    file: fileChecks().nullable().describe("What counts. Null if the commit has no file and nobody accepted one."),
    pending: fileChecks()
      .nullable()
      .describe("The file as it was last seen, if it differs. It counts once it is accepted, by its hash."),
  }),
);
export type ProjectChecksView = z.infer<ReturnType<typeof projectChecksView>>;

export interface PlanWithDetails {
  plan: Plan;
  /** Empty if it was not asked for. */
  ledger: Ledger;
  /** The newest, the oldest of them first. Absent if they were not asked for. */
  receipts?: Receipt[];
  /** With receipts. Absent where the thread knows no checks of the project. */
  project_checks?: ProjectChecksView;
}
