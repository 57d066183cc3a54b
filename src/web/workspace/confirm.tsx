// Asks before an action that can't be undone.
import type { ReactNode } from "react";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import styles from "./confirm.module.css";

export function Confirm({
  title,
  action,
  cancel,
  onConfirm,
  onClose,
  children,
}: {
  title: string;
  action: string;
  cancel: string;
  onConfirm: () => void;
  onClose: () => void;
  children: ReactNode;
}) {
  return (
    <Dialog title={title} onClose={onClose}>
      <p className={styles.text}>{children}</p>
      <div className={styles.answers}>
        <Button look="quiet" onClick={onClose}>
          {cancel}
        </Button>
        <Button
          look="danger"
          onClick={() => {
            onClose();
            onConfirm();
          }}
        >
          {action}
        </Button>
      </div>
    </Dialog>
  );
}
