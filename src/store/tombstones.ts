// A deleted thread leaves a tombstone, so that late batches write nothing for it.

/** For statements whose first values are the thread's key. */
export const ALIVE =
  "NOT EXISTS (SELECT 1 FROM threads WHERE user_id = ?1 AND thread_id = ?2 AND deleted_at IS NOT NULL)";
