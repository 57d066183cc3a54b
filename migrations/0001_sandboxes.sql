CREATE TABLE `previews` (
	`user_id` text NOT NULL,
	`project_id` text NOT NULL,
	`port` integer NOT NULL,
	`token` text NOT NULL,
	`url` text NOT NULL,
	`created_at` text NOT NULL,
	`expires_at` text NOT NULL,
	PRIMARY KEY(`user_id`, `project_id`, `port`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `previews_by_token` ON `previews` (`token`);--> statement-breakpoint
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
CREATE TABLE `tickets` (
	`user_id` text NOT NULL,
	`hash` text NOT NULL,
	`project_id` text NOT NULL,
	`expires_at` text NOT NULL,
	`details` text NOT NULL,
	PRIMARY KEY(`user_id`, `hash`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `tickets_by_hash` ON `tickets` (`hash`);