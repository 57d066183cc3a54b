/** Stands between a result and a person's words where a server wants a message of the model there. */
export const BRIDGE = "I have the results.";
