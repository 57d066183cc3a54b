CREATE TABLE `ssh_accesses` (
	`user_id` text NOT NULL,
	`project_id` text NOT NULL,
	`created_at` text NOT NULL,
	`expires_at` text NOT NULL,
	`made_by` text,
	PRIMARY KEY(`user_id`, `project_id`)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `api_keys` ADD `made_by` text;--> statement-breakpoint
ALTER TABLE `previews` ADD `made_by` text;--> statement-breakpoint
ALTER TABLE `slack_workspaces` ADD `made_by` text;--> statement-breakpoint
ALTER TABLE `triggers` ADD `made_by` text;--> statement-breakpoint
ALTER TABLE `webhooks` ADD `made_by` text;--> statement-breakpoint
ALTER TABLE `webhooks` ADD `unverified_since` text;--> statement-breakpoint
ALTER TABLE `webhooks` ADD `sent_minute` integer;--> statement-breakpoint
ALTER TABLE `webhooks` ADD `sent_count` integer;