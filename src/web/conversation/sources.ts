// The thread's sources, for the citations in its texts. A context: a text far down needs them, and the parts between
// draw only what they are given.
import { createContext } from "react";
import type { KnownSources } from "../client/sources.ts";

export const SourcesContext = createContext<KnownSources>({});
