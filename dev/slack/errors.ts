// Slack sends an error as 200 with `ok: false`. The names are those of its documentation.

export class SlackError extends Error {
  readonly code: string;
  /** The content of `response_metadata.messages`. */
  readonly messages: string[];
  /** Fields beside `ok` and `error`. */
  readonly extra: Record<string, unknown>;

  constructor(code: string, messages: string[] = [], extra: Record<string, unknown> = {}) {
    super(messages.length === 0 ? code : `${code}: ${messages.join("; ")}`);
    this.code = code;
    this.messages = messages;
    this.extra = extra;
  }
}

export function errorBody(error: SlackError): Record<string, unknown> {
  return {
    ok: false,
    error: error.code,
    ...error.extra,
    ...(error.messages.length === 0
      ? {}
      : { response_metadata: { messages: error.messages.map((message) => `[ERROR] ${message}`) } }),
  };
}

export function invalidArguments(...messages: string[]): SlackError {
  return new SlackError("invalid_arguments", messages);
}
