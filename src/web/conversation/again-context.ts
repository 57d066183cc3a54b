// What the items of a conversation may do to their turns. Null while a run works, and where the key may not.
import { createContext } from "react";

export interface Again {
  regenerate(message: string): void;
  edit(message: string, text: string): void;
  /** The message whose text is in a field. */
  editing: string | null;
  setEditing(message: string | null): void;
  /** Typed texts by message, which stay when a list takes the field out of sight. */
  typed: Map<string, string>;
  /** The message whose field was just closed: the focus goes back to its button. */
  left: { current: string | null };
}

export const AgainContext = createContext<Again | null>(null);
