// One way to a started sandbox: what was done on it so far, and how long it may take.

/**
 * A create or start is left to itself after this long, and the state is looked at instead. The SDK waits for the state too,
 * and can't be told to stop: this bounds how long it goes on for a run that was cancelled.
 */
export const ORDER_SECONDS = 10;

/** One way to a started sandbox. */
export interface Course {
  until: number;
  orders: number;
  refusal: string;
  /** The sandbox came to be on this way: nobody uses it yet. */
  isFresh: boolean;
  wasRepaired: boolean;
  wasResized: boolean;
  wasAdjusted: boolean;
  wasActivated: boolean;
  /** A build that was under way before this one came, of settings that have changed, is not waited for. */
  mayReplaceBuild: boolean;
}

export function beginCourse(): Course {
  return {
    until: 0,
    orders: 0,
    refusal: "",
    isFresh: false,
    wasRepaired: false,
    wasResized: false,
    wasAdjusted: false,
    wasActivated: false,
    mayReplaceBuild: true,
  };
}

export function orderSeconds({ until }: Course): number {
  return Math.max(1, Math.min(ORDER_SECONDS, Math.ceil((until - Date.now()) / 1000)));
}
