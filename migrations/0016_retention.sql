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
ALTER TABLE `projects` ADD `retention_days` integer;--> statement-breakpoint
CREATE INDEX `projects_retained` ON `projects` (`user_id`) WHERE retention_days IS NOT NULL;--> statement-breakpoint
ALTER TABLE `users` ADD `retention_days` integer;--> statement-breakpoint
CREATE INDEX `users_retained` ON `users` (`user_id`) WHERE retention_days IS NOT NULL;