// Why nobody was signed in. The page gets one of these words in its address, `/?sign_in=<code>`, and has the sentences.

const signInCodes = [
  /** The person, or the issuer for them, said no there. */
  "cancelled",
  /** Not begun in this browser, too long ago, or used already: begin again. */
  "expired",
  /** The issuer says nothing of an email, or not that it is verified. */
  "no_email",
  /** Nobody here has that email, and its domain makes no user. Or the user was deleted. */
  "not_allowed",
  /** An admin disabled the user. */
  "disabled",
  /** The issuer gave no answer: try again later. */
  "unavailable",
  /** What the issuer answered does not hold. The operator finds the reason in the log. */
  "rejected",
  /** Too many attempts failed at this address: try again later. */
  "too_many",
  /** The page was opened over http and not on this computer. */
  "insecure",
  /** The server failed. */
  "failed",
] as const;
export type SignInCode = (typeof signInCodes)[number];
