// The window of a dialog (dialog.tsx): takes the focus, returns it, and closes with Escape. It
// asks before it drops what somebody typed into a form.
import { Dialog as Base } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import { type ReactNode, useRef, useState } from "react";
import { defineWords, useWords } from "../state/words.ts";
import { Button, IconButton } from "./button.tsx";
import styles from "./dialog.module.css";
import { TypedFields } from "./typed-fields.ts";

const words = defineWords(
  {
    close: "Close",
    discardTitle: "Discard what you typed?",
    discardText: "This form has changes that are not saved.",
    keep: "Keep editing",
    discard: "Discard",
  },
  {
    close: "关闭",
    discardTitle: "放弃已填写的内容？",
    discardText: "表单中有尚未保存的修改。",
    keep: "继续编辑",
    discard: "放弃",
  },
);

export interface DialogProps {
  title: string;
  wide?: boolean;
  onClose: () => void;
  children: ReactNode;
}

export function DialogWindow({ title, wide = false, onClose, children }: DialogProps) {
  const said = useWords(words);
  const typed = useRef<TypedFields>(null);
  typed.current ??= new TypedFields();
  const [isAsking, setAsking] = useState(false);
  const { current: fields } = typed;
  const leave = (): void => {
    if (fields.hasAny) setAsking(true);
    else onClose();
  };
  return (
    <Base.Root open onOpenChange={(open) => !open && leave()}>
      <Base.Portal>
        {/* May cover another dialog, which is then dimmed. */}
        <Base.Backdrop forceRender className={styles.backdrop} />
        <Base.Popup className={wide ? `${styles.popup} ${styles.wide}` : styles.popup}>
          <div className={styles.head}>
            <Base.Title className={styles.title}>{title}</Base.Title>
            <IconButton label={said.close} icon={X} onClick={leave} />
          </div>
          {/* biome-ignore lint/a11y/noStaticElementInteractions: it only watches the fields inside */}
          <div
            className={styles.body}
            onFocus={({ target }) => fields.note(target)}
            onSubmit={({ target }) => fields.forget(target)}
          >
            {children}
          </div>
          {isAsking && (
            <DialogWindow title={said.discardTitle} onClose={() => setAsking(false)}>
              <p className={styles.ask}>{said.discardText}</p>
              <div className={styles.answers}>
                {/* A second Escape or Enter loses nothing. */}
                <Button autoFocus onClick={() => setAsking(false)}>
                  {said.keep}
                </Button>
                <Button look="danger" onClick={onClose}>
                  {said.discard}
                </Button>
              </div>
            </DialogWindow>
          )}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
