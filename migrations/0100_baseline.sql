-- Written by `npm run migrations` from the schemas in src/store. WITHOUT ROWID and the triggers are added by hand, since
-- drizzle has no word for them. The first number is 0100: versions before 0.2.0 recorded 0000 to 0017.
CREATE TABLE `agent_versions` (
	`user_id` text NOT NULL,
	`agent_id` text NOT NULL,
	`version` integer NOT NULL,
	`name` text NOT NULL,
	`created_at` text NOT NULL,
	`config` text NOT NULL,
	PRIMARY KEY(`user_id`, `agent_id`, `version`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `agents` (
	`user_id` text NOT NULL,
	`agent_id` text NOT NULL,
	`name` text NOT NULL,
	`version` integer NOT NULL,
	`created_at` text NOT NULL,
	`updated_at` text NOT NULL,
	`config` text NOT NULL,
	`pinned_version` integer,
	PRIMARY KEY(`user_id`, `agent_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `deliveries` (
	`user_id` text NOT NULL,
	`webhook_id` text NOT NULL,
	`delivery_id` text NOT NULL,
	`event` text NOT NULL,
	`status` text NOT NULL,
	`attempts` integer NOT NULL,
	`next_attempt_at` text,
	`created_at` text NOT NULL,
	`finished_at` text,
	`payload` text NOT NULL,
	`tries` text NOT NULL,
	PRIMARY KEY(`user_id`, `webhook_id`, `delivery_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `deliveries_due` ON `deliveries` (`next_attempt_at`) WHERE next_attempt_at IS NOT NULL;--> statement-breakpoint
CREATE TABLE `deployment` (
	`name` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `message_parts` (
	`user_id` text NOT NULL,
	`thread_id` text NOT NULL,
	`seq` integer NOT NULL,
	`field` text NOT NULL,
	`part` integer NOT NULL,
	`version` integer NOT NULL,
	`text` text NOT NULL,
	PRIMARY KEY(`user_id`, `thread_id`, `seq`, `field`, `part`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `messages` (
	`user_id` text NOT NULL,
	`thread_id` text NOT NULL,
	`seq` integer NOT NULL,
	`message_id` text NOT NULL,
	`project_id` text NOT NULL,
	`invocation_id` text,
	`agent_id` text,
	`type` text NOT NULL,
	`is_llm_message` integer NOT NULL,
	`version` integer NOT NULL,
	`created_at` text NOT NULL,
	`size` integer NOT NULL,
	`metadata` text,
	`content` text,
	`superseded` text,
	PRIMARY KEY(`user_id`, `thread_id`, `seq`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `runs` (
	`user_id` text NOT NULL,
	`thread_id` text NOT NULL,
	`invocation_id` text NOT NULL,
	`status` text NOT NULL,
	`version` integer NOT NULL,
	`created_at` text NOT NULL,
	`updated_at` text NOT NULL,
	`run` text NOT NULL,
	PRIMARY KEY(`user_id`, `thread_id`, `invocation_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `runs_by_creation` ON `runs` (`user_id`,`created_at`);--> statement-breakpoint
CREATE INDEX `runs_by_thread` ON `runs` (`user_id`,`thread_id`,`created_at`,`invocation_id`);--> statement-breakpoint
CREATE INDEX `runs_live` ON `runs` (`updated_at`) WHERE status IN ('queued', 'running');--> statement-breakpoint
CREATE INDEX `runs_failed` ON `runs` (`updated_at`) WHERE status = 'failed';--> statement-breakpoint
CREATE TABLE `secrets` (
	`user_id` text NOT NULL,
	`kind` text NOT NULL,
	`name` text NOT NULL,
	`secret_id` text NOT NULL,
	`key_id` text NOT NULL,
	`created_at` text NOT NULL,
	`updated_at` text NOT NULL,
	`sealed` text NOT NULL,
	PRIMARY KEY(`user_id`, `kind`, `name`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `slack_workspaces` (
	`user_id` text NOT NULL,
	`team_id` text NOT NULL,
	`team_name` text,
	`bot_user_id` text NOT NULL,
	`agent_id` text,
	`project_id` text,
	`created_at` text NOT NULL,
	`updated_at` text NOT NULL,
	`made_by` text,
	PRIMARY KEY(`user_id`, `team_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `slack_workspaces_by_id` ON `slack_workspaces` (`team_id`);--> statement-breakpoint
CREATE TABLE `threads` (
	`user_id` text NOT NULL,
	`thread_id` text NOT NULL,
	`project_id` text NOT NULL,
	`agent_id` text NOT NULL,
	`version` integer NOT NULL,
	`created_at` text NOT NULL,
	`updated_at` text NOT NULL,
	`deleted_at` text,
	`title` text,
	`metadata` text NOT NULL,
	PRIMARY KEY(`user_id`, `thread_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `threads_by_creation` ON `threads` (`user_id`,`created_at`,`thread_id`) WHERE deleted_at IS NULL;--> statement-breakpoint
CREATE TABLE `trigger_deliveries` (
	`user_id` text NOT NULL,
	`trigger_id` text NOT NULL,
	`created_at` text NOT NULL,
	`delivery_id` text NOT NULL,
	`status` text NOT NULL,
	`reason` text,
	`source_id` text,
	`thread_id` text,
	`invocation_id` text,
	`retry_at` text,
	PRIMARY KEY(`user_id`, `trigger_id`, `created_at`, `delivery_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `trigger_deliveries_waiting` ON `trigger_deliveries` (`created_at`,`retry_at`) WHERE status = 'waiting';--> statement-breakpoint
CREATE TABLE `triggers` (
	`user_id` text NOT NULL,
	`trigger_id` text NOT NULL,
	`type` text NOT NULL,
	`agent_id` text,
	`project_id` text,
	`thread` text NOT NULL,
	`enabled` integer NOT NULL,
	`next_at` text,
	`last_fired_at` text,
	`last_thread_id` text,
	`last_invocation_id` text,
	`created_at` text NOT NULL,
	`updated_at` text NOT NULL,
	`settings` text NOT NULL,
	`prompt` text NOT NULL,
	`made_by` text,
	PRIMARY KEY(`user_id`, `trigger_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `triggers_by_id` ON `triggers` (`trigger_id`);--> statement-breakpoint
CREATE INDEX `triggers_due` ON `triggers` (`next_at`) WHERE next_at IS NOT NULL;--> statement-breakpoint
CREATE TABLE `webhooks` (
	`user_id` text NOT NULL,
	`webhook_id` text NOT NULL,
	`enabled` integer NOT NULL,
	`created_at` text NOT NULL,
	`updated_at` text NOT NULL,
	`failing_since` text,
	`disabled_at` text,
	`disabled_reason` text,
	`events` text NOT NULL,
	`url` text NOT NULL,
	`made_by` text,
	`unverified_since` text,
	`sent_minute` integer,
	`sent_count` integer,
	PRIMARY KEY(`user_id`, `webhook_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `previews` (
	`user_id` text NOT NULL,
	`project_id` text NOT NULL,
	`port` integer NOT NULL,
	`token` text NOT NULL,
	`url` text NOT NULL,
	`created_at` text NOT NULL,
	`expires_at` text NOT NULL,
	`made_by` text,
	PRIMARY KEY(`user_id`, `project_id`, `port`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `previews_by_token` ON `previews` (`token`);--> statement-breakpoint
CREATE TABLE `projects` (
	`user_id` text NOT NULL,
	`project_id` text NOT NULL,
	`name` text NOT NULL,
	`created_at` text NOT NULL,
	`updated_at` text NOT NULL,
	`git` text,
	`sandbox` text,
	`caps` text,
	`retention_days` integer,
	PRIMARY KEY(`user_id`, `project_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `projects_by_creation` ON `projects` (`user_id`,`created_at`,`project_id`);--> statement-breakpoint
CREATE INDEX `projects_retained` ON `projects` (`user_id`) WHERE retention_days IS NOT NULL;--> statement-breakpoint
CREATE TABLE `sandbox_secrets` (
	`user_id` text NOT NULL,
	`project_id` text NOT NULL,
	`project_created_at` text NOT NULL,
	`name` text NOT NULL,
	`hosts` text NOT NULL,
	`delivered` text NOT NULL,
	`secret_id` text NOT NULL,
	`bytes` integer NOT NULL,
	`created_at` text NOT NULL,
	`updated_at` text NOT NULL,
	`is_kept` integer NOT NULL,
	`kept_id` text,
	`deleted_at` text,
	PRIMARY KEY(`user_id`, `project_id`, `project_created_at`, `name`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `sandbox_secrets_deleted` ON `sandbox_secrets` (`deleted_at`) WHERE deleted_at IS NOT NULL;--> statement-breakpoint
CREATE TABLE `ssh_accesses` (
	`user_id` text NOT NULL,
	`project_id` text NOT NULL,
	`created_at` text NOT NULL,
	`expires_at` text NOT NULL,
	`made_by` text,
	PRIMARY KEY(`user_id`, `project_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `tickets` (
	`user_id` text NOT NULL,
	`hash` text NOT NULL,
	`project_id` text NOT NULL,
	`expires_at` text NOT NULL,
	`details` text NOT NULL,
	PRIMARY KEY(`user_id`, `hash`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `tickets_by_hash` ON `tickets` (`hash`);--> statement-breakpoint
CREATE TABLE `api_keys` (
	`user_id` text NOT NULL,
	`key_id` text NOT NULL,
	`name` text,
	`hash` text NOT NULL,
	`created_at` text NOT NULL,
	`made_by` text,
	`scopes` text,
	`expires_at` text,
	`last_used_at` text,
	`kind` text,
	`details` text,
	PRIMARY KEY(`user_id`, `key_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `api_keys_by_id` ON `api_keys` (`key_id`);--> statement-breakpoint
CREATE TABLE `audit_entries` (
	`user_id` text NOT NULL,
	`entry_id` text NOT NULL,
	`created_at` text NOT NULL,
	`actor_id` text,
	`key_id` text,
	`action` text NOT NULL,
	`target` text,
	`outcome` text,
	`source` text NOT NULL,
	`details` text NOT NULL,
	PRIMARY KEY(`user_id`, `entry_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `audit_entries_by_id` ON `audit_entries` (`entry_id`);--> statement-breakpoint
CREATE TABLE `users` (
	`user_id` text PRIMARY KEY NOT NULL,
	`name` text,
	`created_at` text NOT NULL,
	`email` text,
	`identity` text,
	`role` text,
	`disabled_at` text,
	`deleted_at` text,
	`purged_at` text,
	`caps` text,
	`quotas` text,
	`retention_days` integer
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `users_by_identity` ON `users` (`identity`) WHERE identity IS NOT NULL;--> statement-breakpoint
CREATE INDEX `users_retained` ON `users` (`user_id`) WHERE retention_days IS NOT NULL;--> statement-breakpoint
CREATE TABLE `budgets` (
	`scope` text NOT NULL,
	`id` text NOT NULL,
	`period` text NOT NULL,
	`cost` integer NOT NULL,
	`tokens` integer NOT NULL,
	`ms` integer NOT NULL,
	`open_cost` integer NOT NULL,
	`open_tokens` integer NOT NULL,
	`open_ms` integer NOT NULL,
	PRIMARY KEY(`scope`, `id`, `period`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `budgets_by_period` ON `budgets` (`period`);--> statement-breakpoint
CREATE TABLE `leases` (
	`user_id` text NOT NULL,
	`thread_id` text NOT NULL,
	`lease_id` text NOT NULL,
	`scope` text NOT NULL,
	`period` text NOT NULL,
	`id` text NOT NULL,
	`invocation_id` text NOT NULL,
	`granted_at` text NOT NULL,
	`closed_at` text,
	`cost` integer NOT NULL,
	`tokens` integer NOT NULL,
	`ms` integer NOT NULL,
	PRIMARY KEY(`user_id`, `thread_id`, `lease_id`, `scope`, `period`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `leases_by_time` ON `leases` (`closed_at`,`granted_at`);--> statement-breakpoint
CREATE TABLE `quota_uses` (
	`user_id` text NOT NULL,
	`name` text NOT NULL,
	`period` text NOT NULL,
	`used` real NOT NULL,
	PRIMARY KEY(`user_id`, `name`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `sandboxes` (
	`user_id` text NOT NULL,
	`project_id` text NOT NULL,
	`created_at` text NOT NULL,
	`cpu` integer,
	`memory` integer,
	`disk` integer,
	`sandbox_id` text,
	`running_at` text,
	PRIMARY KEY(`user_id`, `project_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `sandboxes_running` ON `sandboxes` (`running_at`) WHERE running_at IS NOT NULL;--> statement-breakpoint
CREATE TABLE `server_state` (
	`name` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `usage_days` (
	`user_id` text NOT NULL,
	`date` text NOT NULL,
	`project_id` text NOT NULL,
	`runs` integer NOT NULL,
	`input_tokens` integer NOT NULL,
	`cached_input_tokens` integer NOT NULL,
	`output_tokens` integer NOT NULL,
	`cost` integer,
	`estimated_calls` integer,
	`estimated_input` integer,
	`estimated_output` integer,
	`estimated_cost` integer,
	PRIMARY KEY(`user_id`, `date`, `project_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `receipts` (
	`user_id` text NOT NULL,
	`thread_id` text NOT NULL,
	`seq` integer NOT NULL,
	`receipt_id` text NOT NULL,
	`invocation_id` text,
	`task_id` text NOT NULL,
	`created_at` text NOT NULL,
	`size` integer NOT NULL,
	`content` text NOT NULL,
	PRIMARY KEY(`user_id`, `thread_id`, `seq`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TRIGGER `audit_entries_stay` BEFORE UPDATE ON `audit_entries`
WHEN OLD.outcome IS NOT NULL OR NEW.outcome IS NULL OR NEW.user_id IS NOT OLD.user_id OR NEW.entry_id IS NOT OLD.entry_id
  OR NEW.created_at IS NOT OLD.created_at OR NEW.actor_id IS NOT OLD.actor_id OR NEW.key_id IS NOT OLD.key_id
  OR NEW.action IS NOT OLD.action OR NEW.source IS NOT OLD.source
BEGIN SELECT RAISE(ABORT, 'an audit entry is not changed'); END;--> statement-breakpoint
CREATE TRIGGER `audit_entries_last` BEFORE DELETE ON `audit_entries`
WHEN OLD.created_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 day')
BEGIN SELECT RAISE(ABORT, 'an audit entry is kept for a day at least'); END;--> statement-breakpoint
CREATE TRIGGER `leases_granted` AFTER INSERT ON `leases` BEGIN
  INSERT INTO budgets (scope, id, period, cost, tokens, ms, open_cost, open_tokens, open_ms)
  VALUES (NEW.scope, NEW.id, NEW.period, NEW.cost, NEW.tokens, NEW.ms,
    iif(NEW.closed_at IS NULL, NEW.cost, 0), iif(NEW.closed_at IS NULL, NEW.tokens, 0), iif(NEW.closed_at IS NULL, NEW.ms, 0))
  ON CONFLICT (scope, id, period) DO UPDATE SET
    cost = cost + excluded.cost, tokens = tokens + excluded.tokens, ms = ms + excluded.ms,
    open_cost = open_cost + excluded.open_cost, open_tokens = open_tokens + excluded.open_tokens,
    open_ms = open_ms + excluded.open_ms;
END;--> statement-breakpoint
CREATE TRIGGER `leases_changed` AFTER UPDATE OF `cost`, `tokens`, `ms`, `closed_at` ON `leases` BEGIN
  UPDATE budgets SET cost = cost + NEW.cost - OLD.cost, tokens = tokens + NEW.tokens - OLD.tokens, ms = ms + NEW.ms - OLD.ms,
    open_cost = open_cost + iif(NEW.closed_at IS NULL, NEW.cost, 0) - iif(OLD.closed_at IS NULL, OLD.cost, 0),
    open_tokens = open_tokens + iif(NEW.closed_at IS NULL, NEW.tokens, 0) - iif(OLD.closed_at IS NULL, OLD.tokens, 0),
    open_ms = open_ms + iif(NEW.closed_at IS NULL, NEW.ms, 0) - iif(OLD.closed_at IS NULL, OLD.ms, 0)
  WHERE scope = NEW.scope AND id = NEW.id AND period = NEW.period;
END;--> statement-breakpoint
CREATE TRIGGER `leases_deleted` AFTER DELETE ON `leases` WHEN OLD.closed_at IS NULL BEGIN
  UPDATE budgets SET open_cost = open_cost - OLD.cost, open_tokens = open_tokens - OLD.tokens, open_ms = open_ms - OLD.ms
  WHERE scope = OLD.scope AND id = OLD.id AND period = OLD.period;
END;
