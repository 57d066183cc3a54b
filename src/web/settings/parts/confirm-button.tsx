// A button for an action that can't be undone: it asks first, names the consequences, and stays open on failure.
import type { LucideIcon } from "lucide-react";
import { type ReactNode, useState } from "react";
import type { Scope } from "../../../protocol/keys/scope.ts";
import { useMay } from "../../app/may.tsx";
import type { Api } from "../../client/api.ts";
import { Button, type ButtonLook } from "../../parts/button.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { TextField } from "../../parts/field.tsx";
import { ProblemNotice } from "../../parts/notice.tsx";
import { useWords } from "../../state/words.ts";
import { useAction } from "../use-action.ts";
import { words } from "../words.ts";
import styles from "./form.module.css";

export function ConfirmButton({
  label,
  ariaLabel,
  icon,
  look = "danger",
  question,
  text,
  children,
  phrase,
  scope = "write",
  act,
  onDone,
}: {
  label: string;
  /** Names the item, where many have such a button. */
  ariaLabel?: string;
  icon?: LucideIcon;
  look?: ButtonLook;
  question: string;
  text: ReactNode;
  /** What is to be known or chosen before. It is mounted each time that the question opens. */
  children?: ReactNode;
  /** To be typed first, where much is lost. */
  phrase?: string;
  /** Shown only to whoever may. */
  scope?: Scope;
  act: (api: Api) => Promise<unknown>;
  onDone?: () => void;
}) {
  const said = useWords(words);
  const [isOpen, setOpen] = useState(false);
  const action = useAction();
  const may = useMay(scope);
  const [typed, setTyped] = useState("");
  const isTyped = phrase === undefined || typed.trim() === phrase;
  const confirm = async (): Promise<void> => {
    if (!(await action.run(act))) return;
    setOpen(false);
    onDone?.();
  };
  if (!may) return null;
  return (
    <>
      <Button
        small
        look={look === "primary" ? "plain" : look}
        icon={icon}
        aria-label={ariaLabel}
        onClick={() => {
          action.clear();
          setTyped("");
          setOpen(true);
        }}
      >
        {label}
      </Button>
      {isOpen && (
        <Dialog title={question} onClose={() => setOpen(false)}>
          <div className={styles.question}>
            <p>{text}</p>
            {children}
            {phrase !== undefined && (
              <TextField
                label={said.typeToConfirm(phrase)}
                autoComplete="off"
                spellCheck={false}
                value={typed}
                onChange={(event) => setTyped(event.target.value)}
              />
            )}
            {action.problem && <ProblemNotice problem={action.problem} />}
            <div className={styles.buttons}>
              <Button onClick={() => setOpen(false)}>{said.cancel}</Button>
              <Button look={look} disabled={action.isBusy || !isTyped} onClick={() => void confirm()}>
                {label}
              </Button>
            </div>
          </div>
        </Dialog>
      )}
    </>
  );
}
