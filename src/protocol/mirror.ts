// Where a thread's runs are shown outside of this server.

/** A place in a chat platform. `kind` names the mirror that shows runs there, which alone knows the other fields. */
export interface MirrorPlace {
  kind: string;
}
