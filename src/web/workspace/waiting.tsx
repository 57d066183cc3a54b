// A panel that waits for what it shows.
import { Spinner } from "../parts/notice.tsx";
import styles from "./waiting.module.css";

export function Waiting({ children }: { children: string }) {
  return (
    <p className={styles.line} role="status">
      <Spinner /> {children}
    </p>
  );
}
