// A field that stands in the place of a button takes the button away, and the focus with itself when it goes. Whoever had the
// focus in it finds it on the button again; who has gone elsewhere meanwhile stays there.
import { type RefObject, useRef, useState } from "react";

export interface FocusBack<Place extends HTMLElement> {
  /** Around both of them. */
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
