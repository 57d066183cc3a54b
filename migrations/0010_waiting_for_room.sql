DROP INDEX `trigger_deliveries_waiting`;--> statement-breakpoint
ALTER TABLE `trigger_deliveries` ADD `retry_at` text;--> statement-breakpoint
CREATE INDEX `trigger_deliveries_waiting` ON `trigger_deliveries` (`created_at`,`retry_at`) WHERE status = 'waiting';