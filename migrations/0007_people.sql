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
ALTER TABLE `api_keys` ADD `kind` text;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `details` text;--> statement-breakpoint
ALTER TABLE `users` ADD `email` text;--> statement-breakpoint
ALTER TABLE `users` ADD `identity` text;--> statement-breakpoint
ALTER TABLE `users` ADD `role` text;--> statement-breakpoint
ALTER TABLE `users` ADD `disabled_at` text;--> statement-breakpoint
ALTER TABLE `users` ADD `deleted_at` text;--> statement-breakpoint
ALTER TABLE `users` ADD `purged_at` text;--> statement-breakpoint
CREATE UNIQUE INDEX `users_by_identity` ON `users` (`identity`) WHERE identity IS NOT NULL;--> statement-breakpoint
CREATE TRIGGER `audit_entries_stay` BEFORE UPDATE ON `audit_entries`
WHEN OLD.outcome IS NOT NULL OR NEW.outcome IS NULL OR NEW.user_id IS NOT OLD.user_id OR NEW.entry_id IS NOT OLD.entry_id
  OR NEW.created_at IS NOT OLD.created_at OR NEW.actor_id IS NOT OLD.actor_id OR NEW.key_id IS NOT OLD.key_id
  OR NEW.action IS NOT OLD.action OR NEW.source IS NOT OLD.source
BEGIN SELECT RAISE(ABORT, 'an audit entry is not changed'); END;--> statement-breakpoint
CREATE TRIGGER `audit_entries_last` BEFORE DELETE ON `audit_entries`
WHEN OLD.created_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 day')
BEGIN SELECT RAISE(ABORT, 'an audit entry is kept for a day at least'); END;
