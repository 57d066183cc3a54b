CREATE INDEX `runs_by_creation` ON `runs` (`user_id`,`created_at`);--> statement-breakpoint
CREATE INDEX `runs_by_thread` ON `runs` (`user_id`,`thread_id`,`created_at`,`invocation_id`);