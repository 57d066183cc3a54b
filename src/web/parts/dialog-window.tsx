// The window of a dialog (dialog.tsx): takes the focus, returns it, and closes with Escape.
import { Dialog as Base } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { defineWords, useWords } from "../state/words.ts";
import { IconButton } from "./button.tsx";
import styles from "./dialog.module.css";

const words = defineWords({ close: "Close" }, { close: "关闭" });

export interface DialogProps {
  title: string;
  wide?: boolean;
  onClose: () => void;
  children: ReactNode;
}

export function DialogWindow({ title, wide = false, onClose, children }: DialogProps) {
  const { close } = useWords(words);
  return (
    <Base.Root open onOpenChange={(open) => !open && onClose()}>
      <Base.Portal>
        {/* May cover another dialog, which is then dimmed. */}
        <Base.Backdrop forceRender className={styles.backdrop} />
        <Base.Popup className={wide ? `${styles.popup} ${styles.wide}` : styles.popup}>
          <div className={styles.head}>
            <Base.Title className={styles.title}>{title}</Base.Title>
            <IconButton label={close} icon={X} onClick={onClose} />
          </div>
          <div className={styles.body}>{children}</div>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
