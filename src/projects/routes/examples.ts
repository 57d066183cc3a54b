// Examples of projects and sandboxes for `/openapi.json`.
import { apiKey, ids, time } from "../../http/examples.ts";
import { sandboxExamples } from "../../sandboxes/index.ts";

export const project = {
  project_id: ids.project_id,
  user_id: ids.user_id,
  name: "Online shop",
  git: null,
  sandbox: null,
  max_cost_usd: 20,
  max_total_tokens: null,
  max_minutes: null,
  retention_days: null,
  created_at: time,
  updated_at: time,
};

export const gitCredential = { host: "github.com", username: "ada", created_at: time, updated_at: time };

export const sandbox = {
  state: "started",
  reason: null,
  target: "us",
  snapshot: sandboxExamples.snapshot,
  cpu: 1,
  memory: 1,
  disk: 3,
  auto_stop_minutes: 30,
  auto_archive_minutes: 10_080,
  created_at: time,
};

export const sandboxFile = { path: "src/index.ts", name: "index.ts", size: 1834, is_dir: false, modified_at: time };

export const sshAccess = {
  command: `ssh 8kf…@${sandboxExamples.ssh_host}`,
  vscode_url: `vscode://vscode-remote/ssh-remote+8kf…@${sandboxExamples.ssh_host}${sandboxExamples.folder}`,
  expires_at: time,
};

export const sshStatus = { created_at: time, expires_at: "2026-11-24T11:00:00.000Z", made_by: apiKey.key_id };
