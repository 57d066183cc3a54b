/** An object of a request or an answer, not looked into yet. */
export type Json = Record<string, unknown>;
