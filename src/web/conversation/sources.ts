// The thread's sources, for the citations in its texts. A context: a text far down needs them, and the parts between
// draw only what they are given.
import { createContext } from "react";
import type { KnownSource } from "../client/conversation.ts";

export const SourcesContext = createContext<Readonly<Record<number, KnownSource>>>({});
