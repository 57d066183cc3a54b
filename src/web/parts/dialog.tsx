// A modal dialog. What draws it is loaded after the page: nobody needs it before a first click.
import { lazy, Suspense } from "react";
import type { DialogProps } from "./dialog-window.tsx";
import { ErrorBoundary } from "./error-boundary.tsx";

const load = () => import("./dialog-window.tsx");

const DialogWindow = lazy(() => load().then(({ DialogWindow }) => ({ default: DialogWindow })));

/** Loads ahead of time, so that a click opens it at once, and what is typed next is not lost. */
export function prepareDialogs(): void {
  load().catch(() => {});
}

export function Dialog(props: DialogProps) {
  return (
    <ErrorBoundary>
      <Suspense fallback={null}>
        <DialogWindow {...props} />
      </Suspense>
    </ErrorBoundary>
  );
}
