// How a request is sent to an address that somebody else named: a user, a page or a model. `whyNotPublic` judges the
// address as it is written and can't see where a name leads. The network can, when it connects (docs/security.md).

export type Send = (url: string, init: RequestInit) => Promise<Response>;

/** For addresses that the operator named or permitted. */
export const sendAnywhere: Send = (url, init) => fetch(url, init);

/** `network` is the binding that reaches public addresses only. */
export function sendThrough(network: Pick<Fetcher, "fetch"> | undefined): Send {
  return network === undefined ? sendAnywhere : (url, init) => network.fetch(url, init);
}
