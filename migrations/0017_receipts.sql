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
