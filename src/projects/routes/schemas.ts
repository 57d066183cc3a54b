// Request and response bodies of projects, and of a project's sandbox.
import { z } from "@hono/zod-openapi";
import { MAX_RETENTION_DAYS } from "../../config/retention.ts";
import { apiKey, time as exampleTime, ids } from "../../http/examples.ts";
import { madeBy, time, title, wellFormed } from "../../http/schemas.ts";
import { gitCredentialFields } from "../../protocol/git-credential.ts";
import { clientId } from "../../protocol/ids.ts";
import { capFields, givenCaps } from "../../protocol/money/caps.ts";
import { gitSource, sandboxSettings, sandboxShape } from "../../protocol/project.ts";
import { late } from "../../protocol/schemas/late.ts";
import { sandboxExamples } from "../../sandboxes/index.ts";

const projectExample = {
  project_id: ids.project_id,
  user_id: ids.user_id,
  name: "Online shop",
  git: null,
  sandbox: null,
  max_cost_usd: 20,
  max_total_tokens: null,
  max_minutes: null,
  retention_days: null,
  created_at: exampleTime,
  updated_at: exampleTime,
};

const gitCredentialExample = { host: "github.com", username: "ada", created_at: exampleTime, updated_at: exampleTime };

const sandboxExample = {
  state: "started",
  reason: null,
  target: "us",
  snapshot: sandboxExamples.snapshot,
  cpu: 1,
  memory: 1,
  disk: 3,
  auto_stop_minutes: 30,
  auto_archive_minutes: 10_080,
  created_at: exampleTime,
};

const sandboxFileExample = {
  path: "src/index.ts",
  name: "index.ts",
  size: 1834,
  is_dir: false,
  modified_at: exampleTime,
};

const sshAccessExample = {
  command: `ssh 8kf…@${sandboxExamples.ssh_host}`,
  vscode_url: `vscode://vscode-remote/ssh-remote+8kf…@${sandboxExamples.ssh_host}${sandboxExamples.folder}`,
  expires_at: exampleTime,
};

const sshStatusExample = { created_at: exampleTime, expires_at: "2026-11-24T11:00:00.000Z", made_by: apiKey.key_id };

const projectRetention = late(() =>
  z.int().min(1).max(MAX_RETENTION_DAYS).nullable().openapi({
    description:
      "Threads of the project without activity for so many days are deleted. If the user's or the server's time is shorter, that holds. Null takes theirs.",
  }),
);

const projectFields = late(() => ({
  git: gitSource().nullable().optional(),
  sandbox: sandboxSettings().nullable().optional(),
  ...givenCaps,
  retention_days: projectRetention().optional(),
}));

export const projectBody = late(() =>
  z
    .strictObject({ project_id: clientId.optional(), name: title.min(1), ...projectFields() })
    .openapi({ example: { name: "Online shop" } }),
);

export const projectPatch = late(() =>
  z.strictObject({ name: title.min(1).optional(), ...projectFields() }).openapi({ example: { name: "Bookshop" } }),
);

export const project = late(() =>
  z
    .object({
      project_id: z.string(),
      user_id: z.string(),
      name: z.string(),
      git: z.object(gitSource().shape).nullable(),
      sandbox: z.object(sandboxShape()).nullable(),
      ...capFields,
      retention_days: projectRetention(),
      created_at: time,
      updated_at: time,
    })
    .openapi("Project", { example: projectExample }),
);

export const gitCredentialBody = late(() =>
  z
    .strictObject(gitCredentialFields)
    .openapi({ example: { host: "github.com", username: "ada", password: "github_pat_EXAMPLE" } }),
);

export const gitCredential = late(() =>
  z
    .object({ host: z.string(), username: z.string().nullable(), created_at: time, updated_at: time })
    .openapi("GitCredential", { example: gitCredentialExample }),
);

const optionalText = z.string().nullable();

const optionalNumber = z.number().nullable();

export const workspaceState = late(() =>
  z
    .object({
      state: z.string(),
      reason: optionalText,
      target: optionalText,
      snapshot: optionalText,
      cpu: optionalNumber,
      memory: optionalNumber,
      disk: optionalNumber,
      auto_stop_minutes: optionalNumber,
      auto_archive_minutes: optionalNumber,
      created_at: optionalText,
    })
    .openapi("Sandbox", { example: sandboxExample }),
);

// Longer paths are refused where they are parsed. This keeps a query of a megabyte from getting there.
const PATH_CHARACTERS = 8192;

const path = wellFormed
  .max(PATH_CHARACTERS)
  .openapi({ description: "Relative to the work dir, or absolute within it." });

export const filePath = path.min(1);

export const folderPath = path.default("").openapi({ description: "A folder; the work dir if absent." });

export const sandboxFile = late(() =>
  z
    .object({ path: z.string(), name: z.string(), size: z.int(), is_dir: z.boolean(), modified_at: time })
    .openapi("SandboxFile", { example: sandboxFileExample }),
);

export const sandboxFiles = late(() =>
  z
    .object({ data: z.array(sandboxFile()), truncated: z.boolean() })
    .openapi("SandboxFiles", { example: { data: [sandboxFileExample], truncated: false } }),
);

export const downloadBody = late(() =>
  z
    .strictObject({
      path,
      kind: z
        .enum(["content", "archive"])
        .default("content")
        .openapi({ description: "`content`: a file. `archive`: a packed folder." }),
    })
    .refine(({ path, kind }) => kind === "archive" || path !== "", { path: ["path"], message: "names no file" })
    .openapi({ example: { path: "src/index.ts" } }),
);

export const terminalBody = late(() =>
  z
    .strictObject({
      session: clientId
        .default("main")
        .openapi({ description: "The same name reaches the same shell while it lives." }),
      cols: z.int().min(1).max(1000).default(80),
      rows: z.int().min(1).max(1000).default(24),
    })
    .openapi({ example: { session: "main", cols: 120, rows: 40 } }),
);

export const sshBody = late(() =>
  z
    .strictObject({ expires_in_minutes: z.int().min(1).max(1440).default(60) })
    .openapi({ example: { expires_in_minutes: 60 } }),
);

export const sshAccess = late(() =>
  z
    .object({ command: z.string(), vscode_url: z.string(), expires_at: time })
    .openapi("SshAccess", { example: sshAccessExample }),
);

export const sshStatus = late(() =>
  z.object({ created_at: time, expires_at: time, made_by: madeBy }).openapi("SshStatus", { example: sshStatusExample }),
);
