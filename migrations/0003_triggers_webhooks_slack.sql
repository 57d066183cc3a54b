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
CREATE TABLE `slack_workspaces` (
	`user_id` text NOT NULL,
	`team_id` text NOT NULL,
	`team_name` text,
	`bot_user_id` text NOT NULL,
	`agent_id` text,
	`project_id` text,
	`created_at` text NOT NULL,
	`updated_at` text NOT NULL,
	PRIMARY KEY(`user_id`, `team_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `slack_workspaces_by_id` ON `slack_workspaces` (`team_id`);--> statement-breakpoint
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
	PRIMARY KEY(`user_id`, `trigger_id`, `created_at`, `delivery_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `trigger_deliveries_waiting` ON `trigger_deliveries` (`created_at`) WHERE status = 'waiting';--> statement-breakpoint
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
	PRIMARY KEY(`user_id`, `webhook_id`)
) WITHOUT ROWID;
