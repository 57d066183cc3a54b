// One page of a list, as every list route returns it.

export interface Page<T> {
  data: T[];
  /** Requests the next page; null on the last one. */
  next_cursor: string | null;
}

export interface PageRequest {
  limit: number;
  cursor: string | null;
}
