/** An unvalidated object of a request or a response. */
export type Json = Record<string, unknown>;
