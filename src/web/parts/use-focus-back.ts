// Returns the focus to a button that a field replaces while it is open. If the focus has moved elsewhere meanwhile, it
// stays there.
import { type RefObject, useRef, useState } from "react";

export interface FocusBack<Place extends HTMLElement> {
  /** For the element around both. */
  place: RefObject<Place | null>;
  isFieldOpen: boolean;
  open(): void;
  leave(): void;
  /** For the button's `autoFocus`. */
  isDue: boolean;
}

export function useFocusBack<Place extends HTMLElement>(): FocusBack<Place> {
  const place = useRef<Place>(null);
  const [isFieldOpen, setFieldOpen] = useState(false);
  const [isDue, setDue] = useState(false);
  return {
    place,
    isFieldOpen,
    isDue,
    open: () => setFieldOpen(true),
    leave: () => {
      setDue(place.current?.contains(document.activeElement) ?? false);
      setFieldOpen(false);
    },
  };
}
