// The form of one secret. A value may have several lines, as keys do, so its field is as a text's. Browsers keep the
// content of such fields nowhere.
import { useState } from "react";
import type { SandboxSecretInfo } from "../../../protocol/sandbox/secret.ts";
import { TextArea, TextField } from "../../parts/field.tsx";
import { useWords } from "../../state/words.ts";
import { Form } from "../parts/form.tsx";
import { useAction } from "../use-action.ts";
import { secretWords } from "./words.ts";

export function SecretForm({
  path,
  replaced,
  onStored,
  onCancel,
}: {
  path: string;
  replaced: SandboxSecretInfo | null;
  onStored: () => void;
  onCancel: () => void;
}) {
  const said = useWords(secretWords);
  const action = useAction();
  const [name, setName] = useState(replaced?.name ?? "");
  const [value, setValue] = useState("");
  const [hosts, setHosts] = useState(replaced?.hosts.join(" ") ?? "");
  const submit = (): void => {
    const given = hosts.split(/[\s,，;；、]+/).filter((host) => host !== "");
    const target = `${path}/${encodeURIComponent(name.trim())}`;
    void action.run((api) => api.send("PUT", target, { value, hosts: given })).then((done) => done && onStored());
  };
  return (
    <Form frame="box" action={action} submit={said.save} onSubmit={submit} onCancel={onCancel}>
      <TextField
        label={said.name}
        hint={said.nameHint}
        placeholder="STRIPE_API_KEY"
        required
        autoFocus={replaced === null}
        readOnly={replaced !== null}
        maxLength={128}
        spellCheck={false}
        autoComplete="off"
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <TextArea
        label={said.value}
        required
        autoFocus={replaced !== null}
        rows={2}
        maxLength={65_536}
        spellCheck={false}
        autoComplete="off"
        value={value}
        onChange={(event) => setValue(event.target.value)}
      />
      <TextField
        label={said.hosts}
        hint={said.hostsHint}
        placeholder="api.stripe.com"
        maxLength={5_000}
        spellCheck={false}
        autoComplete="off"
        value={hosts}
        onChange={(event) => setHosts(event.target.value)}
      />
    </Form>
  );
}
