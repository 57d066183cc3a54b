// The progress of one opening of a sandbox: the orders sent so far, and the time limit. An order is a request that
// changes the sandbox's state.

import type { Recipe, Resources } from "./recipe.ts";

/**
 * The longest wait for a create or start order; after that the sandbox's state is polled. The SDK polls the state
 * itself and can't be aborted, so this limits how long it continues for a cancelled run.
 */
export const ORDER_SECONDS = 10;

export interface StartProgress {
  until: number;
  orders: number;
  refusal: string;
  /** The sandbox was created or built during this opening: nobody uses it yet. */
  isFresh: boolean;
  wasRepaired: boolean;
  wasResized: boolean;
  wasAdjusted: boolean;
  wasActivated: boolean;
  /** Daytona says that the name is taken and does not show the sandbox: until when to wait. 0 if that was not seen. */
  hiddenUntil: number;
  /** The sandbox that this opening created, and until when to wait for the maker of another one. */
  madeId: string | null;
  heldUntil: number;
  /** What is built since Daytona can't resize. */
  instead: Recipe | null;
  /** That build failed: the size of the snapshot has to do. */
  wasInsteadTried: boolean;
  /** The size that the sandbox does not have, since Daytona can't resize. */
  unresized: Resources | null;
  isBuildCounted: boolean;
  /** Whether a build from outdated settings, which began before this opening, may be replaced. */
  mayReplaceBuild: boolean;
}

export function beginStart(): StartProgress {
  return {
    until: 0,
    orders: 0,
    refusal: "",
    isFresh: false,
    wasRepaired: false,
    wasResized: false,
    wasAdjusted: false,
    wasActivated: false,
    hiddenUntil: 0,
    madeId: null,
    heldUntil: 0,
    instead: null,
    wasInsteadTried: false,
    unresized: null,
    isBuildCounted: false,
    mayReplaceBuild: true,
  };
}

export function secondsLeft({ until }: StartProgress): number {
  return Math.max(1, Math.min(ORDER_SECONDS, Math.ceil((until - Date.now()) / 1000)));
}
