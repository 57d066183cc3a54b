CREATE TABLE `budgets` (
	`scope` text NOT NULL,
	`id` text NOT NULL,
	`period` text NOT NULL,
	`cost` integer NOT NULL,
	`tokens` integer NOT NULL,
	`ms` integer NOT NULL,
	`open_cost` integer NOT NULL,
	`open_tokens` integer NOT NULL,
	`open_ms` integer NOT NULL,
	PRIMARY KEY(`scope`, `id`, `period`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `budgets_by_period` ON `budgets` (`period`);--> statement-breakpoint
CREATE TABLE `leases` (
	`user_id` text NOT NULL,
	`thread_id` text NOT NULL,
	`lease_id` text NOT NULL,
	`scope` text NOT NULL,
	`period` text NOT NULL,
	`id` text NOT NULL,
	`invocation_id` text NOT NULL,
	`granted_at` text NOT NULL,
	`closed_at` text,
	`cost` integer NOT NULL,
	`tokens` integer NOT NULL,
	`ms` integer NOT NULL,
	PRIMARY KEY(`user_id`, `thread_id`, `lease_id`, `scope`, `period`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `leases_by_time` ON `leases` (`closed_at`,`granted_at`);--> statement-breakpoint
CREATE TABLE `sandboxes` (
	`user_id` text NOT NULL,
	`project_id` text NOT NULL,
	`created_at` text NOT NULL,
	`cpu` integer,
	`memory` integer,
	`disk` integer,
	PRIMARY KEY(`user_id`, `project_id`)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `projects` ADD `caps` text;--> statement-breakpoint
ALTER TABLE `users` ADD `caps` text;--> statement-breakpoint
ALTER TABLE `users` ADD `quotas` text;--> statement-breakpoint
CREATE TRIGGER `leases_granted` AFTER INSERT ON `leases` BEGIN
  INSERT INTO budgets (scope, id, period, cost, tokens, ms, open_cost, open_tokens, open_ms)
  VALUES (NEW.scope, NEW.id, NEW.period, NEW.cost, NEW.tokens, NEW.ms,
    iif(NEW.closed_at IS NULL, NEW.cost, 0), iif(NEW.closed_at IS NULL, NEW.tokens, 0), iif(NEW.closed_at IS NULL, NEW.ms, 0))
  ON CONFLICT (scope, id, period) DO UPDATE SET
    cost = cost + excluded.cost, tokens = tokens + excluded.tokens, ms = ms + excluded.ms,
    open_cost = open_cost + excluded.open_cost, open_tokens = open_tokens + excluded.open_tokens,
    open_ms = open_ms + excluded.open_ms;
END;--> statement-breakpoint
CREATE TRIGGER `leases_changed` AFTER UPDATE OF `cost`, `tokens`, `ms`, `closed_at` ON `leases` BEGIN
  UPDATE budgets SET cost = cost + NEW.cost - OLD.cost, tokens = tokens + NEW.tokens - OLD.tokens, ms = ms + NEW.ms - OLD.ms,
    open_cost = open_cost + iif(NEW.closed_at IS NULL, NEW.cost, 0) - iif(OLD.closed_at IS NULL, OLD.cost, 0),
    open_tokens = open_tokens + iif(NEW.closed_at IS NULL, NEW.tokens, 0) - iif(OLD.closed_at IS NULL, OLD.tokens, 0),
    open_ms = open_ms + iif(NEW.closed_at IS NULL, NEW.ms, 0) - iif(OLD.closed_at IS NULL, OLD.ms, 0)
  WHERE scope = NEW.scope AND id = NEW.id AND period = NEW.period;
END;--> statement-breakpoint
CREATE TRIGGER `leases_deleted` AFTER DELETE ON `leases` WHEN OLD.closed_at IS NULL BEGIN
  UPDATE budgets SET open_cost = open_cost - OLD.cost, open_tokens = open_tokens - OLD.tokens, open_ms = open_ms - OLD.ms
  WHERE scope = OLD.scope AND id = OLD.id AND period = OLD.period;
END;
