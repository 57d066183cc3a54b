// Waiting that ends with a signal. The SDK's calls can't be aborted, so they are raced and their late answers dropped.

/** Settles as the promise does, or rejects with the signal's reason as soon as the signal aborts. */
export function race<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** Runs the work with a controller of its own, which also aborts when the signal does. */
export async function abortable<Value>(
  signal: AbortSignal,
  work: (end: AbortController) => Promise<Value>,
): Promise<Value> {
  const end = new AbortController();
  const onAbort = () => end.abort(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await work(end);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Settles as the work does. After `ms` the work's signal aborts, and this rejects with a `TimeoutError`. */
export function within<Value>(
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  return abortable(signal, async (end) => {
    const timer = setTimeout(() => end.abort(new DOMException("no answer in time", "TimeoutError")), ms);
    try {
      return await race(work(end.signal), end.signal);
    } finally {
      clearTimeout(timer);
    }
  });
}

/** Resolves after `ms`. Rejects with the signal's reason if the signal aborts first. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
