// The actions on an item of the settings: delete it and, if it has a secret, replace that.
import { Trash2 } from "lucide-react";
import { useWords } from "../../state/words.ts";
import { words } from "../words.ts";
import { ConfirmButton } from "./confirm-button.tsx";

export function DeleteButton({
  path,
  question,
  text,
  onDone,
}: {
  path: string;
  question: string;
  text: string;
  onDone: () => void;
}) {
  const said = useWords(words);
  return (
    <ConfirmButton
      label={said.delete}
      icon={Trash2}
      question={question}
      text={text}
      act={(api) => api.send("DELETE", path)}
      onDone={onDone}
    />
  );
}

/** `onSecret` receives the new secret, which the server returns only once. */
export function RotateButton({ path, onSecret }: { path: string; onSecret: (secret: string) => void }) {
  const said = useWords(words);
  return (
    <ConfirmButton
      label={said.rotate}
      look="primary"
      question={said.rotateTitle}
      text={said.rotateText}
      act={async (api) => onSecret((await api.send<{ secret: string }>("POST", `${path}/rotate`, {})).secret)}
    />
  );
}
