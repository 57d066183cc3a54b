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
CREATE INDEX `sandbox_secrets_deleted` ON `sandbox_secrets` (`deleted_at`) WHERE deleted_at IS NOT NULL;