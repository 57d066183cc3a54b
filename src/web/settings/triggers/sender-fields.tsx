// Who may deliver to a webhook: the signature scheme, and the details of a custom one.
import { Select, TextField } from "../../parts/field.tsx";
import { useWords } from "../../state/words.ts";
import { Advanced, Beside } from "../parts/form.tsx";
import type { Draft } from "./draft.ts";
import type { Scheme, TriggerDraft } from "./trigger.ts";
import { words } from "./words.ts";

const schemes: Scheme[] = ["github", "standard", "hmac", "header"];

export function SenderFields({ draft, change }: Draft) {
  const said = useWords(words);
  const { scheme } = draft;
  const isOwn = scheme === "hmac" || scheme === "header";
  const field = (name: "header" | "prefix" | "id_header" | "timestamp_header" | "signed" | "key") => ({
    value: draft[name],
    spellCheck: false,
    autoComplete: "off",
    onChange: (event: { target: { value: string } }) => change({ [name]: event.target.value }),
  });
  return (
    <>
      <Select
        label={said.scheme}
        value={scheme}
        onChange={(event) => change({ scheme: schemes.find((each) => each === event.target.value) ?? "github" })}
      >
        {schemes.map((each) => (
          <option key={each} value={each}>
            {said.schemes[each]}
          </option>
        ))}
      </Select>
      {isOwn && (
        <Beside>
          <TextField label={said.header} required placeholder="X-Signature" {...field("header")} />
          <TextField label={said.prefix} placeholder={scheme === "hmac" ? "sha256=" : "Bearer "} {...field("prefix")} />
        </Beside>
      )}
      {scheme === "hmac" && (
        <Advanced label={said.more}>
          <Algorithms {...{ draft, change }} />
          <Beside>
            <TextField label={said.timestampHeader} {...field("timestamp_header")} />
            <TextField label={said.idHeader} {...field("id_header")} />
          </Beside>
          <TextField label={said.signed} hint={said.signedHint} placeholder="{timestamp}.{body}" {...field("signed")} />
        </Advanced>
      )}
      {scheme === "header" && <TextField label={said.idHeader} {...field("id_header")} />}
      {draft.thread === "per_key" && <TextField label={said.key} hint={said.keyHint} {...field("key")} />}
    </>
  );
}

const algorithms: TriggerDraft["algorithm"][] = ["sha256", "sha512", "sha1"];
const encodings: TriggerDraft["encoding"][] = ["hex", "base64"];

function Algorithms({ draft, change }: Draft) {
  const said = useWords(words);
  return (
    <Beside>
      <Select
        label={said.algorithm}
        value={draft.algorithm}
        onChange={(event) => change({ algorithm: algorithms.find((each) => each === event.target.value) })}
      >
        {algorithms.map((each) => (
          <option key={each}>{each}</option>
        ))}
      </Select>
      <Select
        label={said.encoding}
        value={draft.encoding}
        onChange={(event) => change({ encoding: encodings.find((each) => each === event.target.value) })}
      >
        {encodings.map((each) => (
          <option key={each}>{each}</option>
        ))}
      </Select>
    </Beside>
  );
}
