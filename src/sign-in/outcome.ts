// What comes of a step of a sign-in. Whatever an issuer does is expected, so nothing of it throws.
import type { SignInCode } from "../protocol/people/sign-in.ts";

export interface SignInFailure {
  code: SignInCode;
  /** For the log, in words of our own: nothing that an issuer wrote. */
  reason: string;
}

export type Reading<T> = { ok: true; value: T } | { ok: false; failure: SignInFailure };

export function found<T>(value: T): Reading<T> {
  return { ok: true, value };
}

export function failed(code: SignInCode, reason: string): { ok: false; failure: SignInFailure } {
  return { ok: false, failure: { code, reason } };
}
