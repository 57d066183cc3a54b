// The product's name with its icon.
import styles from "./brand.module.css";

export function Brand() {
  return (
    <h1 className={styles.brand}>
      <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
        <rect width="32" height="32" rx="8" className={styles.ground} />
        <path d="M8 10h16M8 16h16M8 22h9" className={styles.thread} />
        <circle cx="23" cy="22" r="2.5" className={styles.knot} />
      </svg>
      Taskloom
    </h1>
  );
}
