// The conversation as a virtual list. It follows its end while new items arrive, unless the reader has scrolled up:
// then it stays, and a button leads back.
import { ArrowDown } from "lucide-react";
import {
  type ReactNode,
  type Ref,
  type RefObject,
  useCallback,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import type { Item } from "../client/conversation.ts";
import { IconButton } from "../parts/button.tsx";
import { useWords } from "../state/words.ts";
import { followsAfter } from "./follows.ts";
import { ItemView } from "./item-view.tsx";
import styles from "./log.module.css";
import { endsOfTurns } from "./turns.ts";
import { words } from "./words.ts";

/** Rendered above and below the window, so that fast scrolling meets no gap. */
const bufferPx = 900;

/**
 * The height of most items: a call, a line. By default the list would take the first item's height for all, and that
 * may be a long text's.
 */
const rowPx = 36;

/** The keys that scroll. A scroll bar is pressed with the pointer. */
const touches = ["wheel", "touchmove", "keydown", "pointerdown"] as const;

/** How long a list keeps rolling after a swipe. */
const throwMs = 1_500;

export interface LogHandle {
  toEnd(): void;
}

export function Log({ items, children, ref }: { items: Item[]; children: ReactNode; ref?: Ref<LogHandle> }) {
  const said = useWords(words);
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  const { isAtEnd, toEnd } = useEnd(box);
  const ends = useMemo(() => endsOfTurns(items), [items]);
  useImperativeHandle(ref, () => ({ toEnd }), [toEnd]);
  return (
    <div className={styles.frame}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a conversation is scrolled with the keyboard too */}
      <div ref={box} className={styles.log} role="log" aria-label={said.conversation} aria-live="off" tabIndex={0}>
        <div className={styles.column}>
          <Virtualizer ref={list} scrollRef={box} bufferSize={bufferPx} itemSize={rowPx} data={items}>
            {(item) => <ItemView key={`${item.kind} ${item.id}`} item={item} turn={ends.get(item)} />}
          </Virtualizer>
          {children}
        </div>
      </div>
      {!isAtEnd && (
        <div className={styles.toEnd}>
          <IconButton label={said.toEnd} icon={ArrowDown} look="plain" onClick={toEnd} />
        </div>
      )}
    </div>
  );
}

/** Keeps the end visible for as long as the reader is there. */
function useEnd(box: RefObject<HTMLDivElement | null>): { isAtEnd: boolean; toEnd: () => void } {
  const [isAtEnd, setAtEnd] = useState(true);
  const follows = useRef(true);
  const toEnd = useCallback(() => {
    const { current } = box;
    if (current) current.scrollTop = current.scrollHeight;
    follows.current = true;
    setAtEnd(true);
  }, [box]);
  useEffect(() => {
    const { current } = box;
    if (!current) return;
    let lastTop = current.scrollTop;
    let touchedAt = Number.NEGATIVE_INFINITY;
    const touch = (): void => {
      touchedAt = performance.now();
    };
    const look = (): void => {
      const { scrollTop, scrollHeight, clientHeight: page } = current;
      const isByPerson = performance.now() - touchedAt < throwMs;
      const scrolled = { left: scrollHeight - scrollTop - page, moved: scrollTop - lastTop, isByPerson, page };
      follows.current = followsAfter(follows.current, scrolled);
      lastTop = scrollTop;
      setAtEnd(follows.current);
      if (follows.current && !isByPerson) keep();
    };
    const keep = (): void => {
      if (follows.current) current.scrollTop = current.scrollHeight;
    };
    for (const name of touches) current.addEventListener(name, touch, { passive: true });
    const grown = new ResizeObserver(keep);
    grown.observe(current);
    for (const child of current.children) grown.observe(child);
    current.addEventListener("scroll", look, { passive: true });
    return () => {
      grown.disconnect();
      current.removeEventListener("scroll", look);
      for (const name of touches) current.removeEventListener(name, touch);
    };
  }, [box]);
  useLayoutEffect(() => {
    if (follows.current) toEnd();
  });
  return { isAtEnd, toEnd };
}
