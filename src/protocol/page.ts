// A page of a list, as every list answers it.

export interface Page<T> {
  data: T[];
  /** Asks for the next page; null on the last one. */
  next_cursor: string | null;
}

export interface PageRequest {
  limit: number;
  cursor: string | null;
}
