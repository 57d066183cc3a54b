// What the bundle takes for `@opentelemetry/api` ([alias] in wrangler.toml): what it does where nobody has registered a
// provider, which nothing here does. The SDK calls it around its requests.

const span = {
  addEvent: () => span,
  end: () => {},
  isRecording: () => false,
  recordException: () => {},
  setAttribute: () => span,
  setAttributes: () => span,
  setStatus: () => span,
};

const none = {};

export const context = {
  active: () => none,
  with: <Value>(_: object, work: () => Value): Value => work(),
};

export const trace = {
  getActiveSpan: () => undefined,
  getTracer: () => ({ startSpan: () => span }),
  setSpan: (current: object) => current,
};

export const propagation = { inject: () => {} };

export const SpanStatusCode = { UNSET: 0, OK: 1, ERROR: 2 };
