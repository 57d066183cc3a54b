CREATE TABLE `quota_uses` (
	`user_id` text NOT NULL,
	`name` text NOT NULL,
	`period` text NOT NULL,
	`used` real NOT NULL,
	PRIMARY KEY(`user_id`, `name`)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `sandboxes` ADD `running_at` text;--> statement-breakpoint
CREATE INDEX `sandboxes_running` ON `sandboxes` (`running_at`) WHERE running_at IS NOT NULL;