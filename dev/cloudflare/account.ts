// One account with what it has. In memory: a stand-in that is restarted is a new account.
import { randomUUID } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { ApiError } from "./api-error.ts";

export interface Database {
  uuid: string;
  name: string;
  jurisdiction: string | null;
  created_at: string;
  sql: DatabaseSync;
  /** What has changed it, oldest first. The address of a Worker has a database of its own, which follows these. */
  changes: string[];
}

export interface Consumer {
  consumer_id: string;
  script: string;
  dead_letter_queue?: string;
  settings: Record<string, number | undefined>;
}

export interface Queue {
  queue_id: string;
  queue_name: string;
  created_on: string;
  consumers: Consumer[];
}

export interface Binding extends Record<string, unknown> {
  name: string;
  type: string;
}

export interface Version {
  id: string;
  number: number;
  created_on: string;
  main_module: string;
  modules: Map<string, { type: string; content: Buffer }>;
  bindings: Binding[];
  compatibility_date: string;
  compatibility_flags: string[];
  limits: Record<string, unknown>;
  /** The newest migration of classes that was made when it was uploaded. */
  migration_tag: string | null;
  /** The page's files by path, with how they are served; null without any. */
  assets: { files: Map<string, Buffer>; config: Record<string, unknown> } | null;
}

export interface Deployment {
  id: string;
  created_on: string;
  versions: { version_id: string; percentage: number }[];
  annotations: Record<string, string>;
  code_update_strategy?: unknown;
}

export interface Script {
  name: string;
  tag: string;
  migration_tag: string | null;
  /** Classes of objects, by whether their storage is SQLite. */
  classes: Map<string, boolean>;
  versions: Version[];
  /** The newest first. */
  deployments: Deployment[];
  subdomain: { enabled: boolean; previews_enabled: boolean };
  schedules: { cron: string }[];
  routes: string[];
  domains: string[];
  /** Settings without versions: observability, tags, logpush. */
  settings: Record<string, unknown>;
}

export interface Zone {
  id: string;
  name: string;
  /** DNS records that somebody has made. */
  records: string[];
}

export interface Account {
  id: string;
  name: string;
  /** Of workers.dev; null until somebody registers one. */
  subdomain: string | null;
  is_paid: boolean;
  databases: Database[];
  queues: Queue[];
  scripts: Map<string, Script>;
  zones: Zone[];
  /** Uploaded files by hash, and the sessions in which they come. */
  files: Map<string, Buffer>;
  sessions: Map<string, Map<string, string>>;
}

export function makeAccount(
  choice: Partial<Pick<Account, "id" | "name" | "subdomain" | "zones" | "is_paid">> = {},
): Account {
  return {
    ...{ id: randomUUID().replaceAll("-", ""), name: "Acme", subdomain: "acme", is_paid: true, zones: [] },
    ...choice,
    ...{ databases: [], queues: [], scripts: new Map(), files: new Map(), sessions: new Map() },
  };
}

export function findScript({ scripts }: Account, name: string | undefined): Script {
  const found = scripts.get(name ?? "");
  if (found === undefined) throw new ApiError(404, 10_007, "This Worker does not exist on your account.");
  return found;
}

export function findQueue({ queues }: Account, name: string): Queue | undefined {
  return queues.find(({ queue_name }) => queue_name === name);
}

/** The version that serves requests. */
export function activeVersion({ versions, deployments }: Script): Version | undefined {
  const id = deployments[0]?.versions.find(({ percentage }) => percentage > 0)?.version_id;
  return versions.find((version) => version.id === id);
}
