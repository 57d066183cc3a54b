// The preview's frame. A size wider than the panel is scaled down, so that the page lays out as on that device.
import { useLayoutEffect, useRef, useState } from "react";
import styles from "./preview.module.css";
import type { PreviewSize } from "./preview-bar.tsx";

const widths: Record<PreviewSize, number | null> = { phone: 390, tablet: 768, full: null };

export function PreviewFrame({
  src,
  sandbox,
  title,
  size,
}: {
  src: string;
  sandbox: string;
  title: string;
  size: PreviewSize;
}) {
  const stage = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState(0);
  const [isLoading, setLoading] = useState(true);
  useLayoutEffect(() => {
    if (!stage.current) return;
    const watch = new ResizeObserver(([entry]) => setRoom(entry?.contentRect.width ?? 0));
    watch.observe(stage.current);
    return () => watch.disconnect();
  }, []);
  const width = widths[size];
  const scale = width === null || room === 0 ? 1 : Math.min(1, room / width);
  const style = width === null ? undefined : { width, height: `${100 / scale}%`, scale: String(scale) };
  return (
    <div ref={stage} className={styles.stage} data-size={size} aria-busy={isLoading}>
      {isLoading && <span className={styles.progress} aria-hidden="true" />}
      <div className={styles.device} style={width === null ? undefined : { width: width * scale }}>
        <iframe
          className={styles.frame}
          style={style}
          src={src}
          title={title}
          sandbox={sandbox}
          referrerPolicy="no-referrer"
          onLoad={() => setLoading(false)}
        />
      </div>
    </div>
  );
}
