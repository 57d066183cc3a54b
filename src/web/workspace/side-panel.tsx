// The workspace's place beside the conversation, with an edge that a person moves with the pointer, a finger or the
// keyboard. Where the workspace covers the conversation there is no edge to move: the style sheet hides it.
import {
  type CSSProperties,
  type KeyboardEvent,
  type PointerEvent,
  useId,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import { ErrorBoundary } from "../parts/error-boundary.tsx";
import { panel } from "../state/panel.ts";
import {
  boundWidth,
  chooseWidth,
  keepWidths,
  kindOf,
  maxWidthOf,
  minWidth,
  panelWidths,
  widthAfter,
  widthOf,
} from "../state/panel-width.ts";
import { useStore } from "../state/store.ts";
import type { ThreadStore } from "../state/thread-store.ts";
import { defineWords, useWords } from "../state/words.ts";
import styles from "./side-panel.module.css";
import { Workspace } from "./workspace.tsx";

const words = defineWords(
  { resize: "Resize workspace", hint: "Drag to resize. Double-click to reset." },
  { resize: "调整工作区宽度", hint: "拖动可调整宽度，双击恢复默认。" },
);

export function SidePanel({ thread }: { thread: ThreadStore }) {
  const said = useWords(words);
  const id = useId();
  const place = useRef<HTMLElement>(null);
  const grip = useRef({ x: 0, width: 0 });
  const [isMoving, setMoving] = useState(false);
  const kind = useStore(panel, ({ tab }) => kindOf(tab));
  const viewport = useViewport();
  const chosen = useStore(panelWidths);
  const width = widthOf(kind, chosen, viewport);
  const isRtl = (): boolean => place.current !== null && getComputedStyle(place.current).direction === "rtl";
  const press = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const next = widthAfter(event.key, width, { viewport, isRtl: isRtl(), isLarge: event.shiftKey });
    if (next === null) return;
    event.preventDefault();
    chooseWidth(kind, next);
    keepWidths();
  };
  const begin = (event: PointerEvent): void => {
    if (event.button !== 0 || !event.isPrimary) return;
    // The pointer stays ours above the frame of a preview, and outside of the window.
    event.currentTarget.setPointerCapture(event.pointerId);
    grip.current = { x: event.clientX, width };
    setMoving(true);
  };
  const move = (event: PointerEvent): void => {
    if (!isMoving || event.clientX === grip.current.x) return;
    const moved = event.clientX - grip.current.x;
    chooseWidth(kind, boundWidth(grip.current.width + (isRtl() ? moved : -moved), viewport));
  };
  const end = (): void => {
    setMoving(false);
    keepWidths();
  };
  const reset = (): void => {
    chooseWidth(kind, null);
    keepWidths();
  };
  // A movement does not draw what it moves.
  const content = useMemo(
    () => (
      <ErrorBoundary key={thread.id}>
        <Workspace thread={thread} />
      </ErrorBoundary>
    ),
    [thread],
  );
  return (
    <aside
      ref={place}
      id={id}
      className={styles.panel}
      style={{ "--panel": `${width}px` } as CSSProperties}
      data-moving={isMoving || undefined}
    >
      {/* biome-ignore lint/a11y/useSemanticElements: a line across takes no keys */}
      <div
        role="separator"
        tabIndex={0}
        className={styles.edge}
        title={said.hint}
        aria-label={said.resize}
        aria-orientation="vertical"
        aria-controls={id}
        aria-valuenow={width}
        aria-valuemin={minWidth}
        aria-valuemax={maxWidthOf(viewport)}
        aria-valuetext={`${width} px`}
        onKeyDown={press}
        onPointerDown={begin}
        onPointerMove={move}
        onLostPointerCapture={end}
        onDoubleClick={reset}
      />
      {content}
    </aside>
  );
}

function useViewport(): number {
  return useSyncExternalStore(
    (changed) => {
      window.addEventListener("resize", changed);
      return () => window.removeEventListener("resize", changed);
    },
    () => window.innerWidth,
  );
}
