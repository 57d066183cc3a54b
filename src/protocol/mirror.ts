// Where a thread's runs are shown outside this server.

/** A place on a chat platform. `kind` names the mirror that shows runs there; only that mirror knows the other fields. */
export interface MirrorPlace {
  kind: string;
}
