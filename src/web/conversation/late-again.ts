// What `again.tsx` draws, loaded when an item first needs it. Without it a conversation is read as it is.
import { type ComponentType, lazy } from "react";

type Drawn = typeof import("./again.tsx");

function late<Name extends keyof Drawn>(name: Name) {
  const nothing = (() => null) as ComponentType<unknown> as unknown as Drawn[Name];
  return lazy(() =>
    import("./again.tsx").then(
      (drawn) => ({ default: drawn[name] }),
      () => ({ default: nothing }),
    ),
  );
}

export const Regenerate = late("Regenerate");
export const Edit = late("Edit");
export const EditForm = late("EditForm");
export const GoOn = late("GoOn");
