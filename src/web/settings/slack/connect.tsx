// Connects a workspace: on Slack's own page, or with the token of an installed bot. On a server that is not configured
// for it, the form names the missing settings.
import { ExternalLink } from "lucide-react";
import { useState } from "react";
import type { Api } from "../../client/api.ts";
import { readLink } from "../../conversation/link.ts";
import { TextField } from "../../parts/field.tsx";
import { Notice } from "../../parts/notice.tsx";
import { useWords } from "../../state/words.ts";
import { AgentSelect, ProjectSelect } from "../parts/choosers.tsx";
import { Beside, Form } from "../parts/form.tsx";
import { useAction } from "../use-action.ts";
import styles from "./connect.module.css";
import { findMissing } from "./missing.ts";
import { words } from "./words.ts";

export function Connect({
  way,
  onDone,
  onCancel,
}: {
  way: "install" | "token";
  onDone: () => void;
  onCancel: () => void;
}) {
  const said = useWords(words);
  const action = useAction();
  const [agent, setAgent] = useState("");
  const [project, setProject] = useState("");
  const [token, setToken] = useState("");
  const [missing, setMissing] = useState<string[] | null>(null);
  const [url, setUrl] = useState<string | null>(null);
  const chosen = { ...(agent && { agent_id: agent }), ...(project && { project_id: project }) };
  const act = async (api: Api): Promise<void> => {
    if (way === "token") {
      await api.send("POST", "/v1/slack/workspaces", { bot_token: token.trim(), ...chosen });
      onDone();
      return;
    }
    const answer = await api.send<{ url: string }>("POST", "/v1/slack/install", chosen);
    // A browser may block a tab that does not open directly on a click: the link stays for that.
    const safe = readLink(answer.url);
    setUrl(safe);
    if (safe !== null) window.open(safe, "_blank", "noopener,noreferrer");
  };
  const submit = (): void => {
    setMissing(null);
    setUrl(null);
    void action.run(async (api) => {
      try {
        await act(api);
      } catch (error) {
        const lacking = findMissing(error);
        if (lacking === null) throw error;
        setMissing(lacking);
      }
    });
  };
  return (
    <Form
      frame="box"
      action={action}
      submit={way === "token" ? said.connect : said.openSlack}
      onSubmit={submit}
      onCancel={onCancel}
    >
      {way === "install" && <p className={styles.text}>{said.installText}</p>}
      {way === "token" && (
        <TextField
          label={said.token}
          hint={said.tokenHint}
          type="password"
          required
          autoFocus
          maxLength={500}
          autoComplete="new-password"
          value={token}
          onChange={(event) => setToken(event.target.value)}
        />
      )}
      <Beside>
        <AgentSelect value={agent} onChoose={setAgent} />
        <ProjectSelect value={project} onChoose={setProject} />
      </Beside>
      {missing && <Missing names={missing} />}
      {url && (
        <Notice tone="good">
          {said.waiting}{" "}
          <a className={styles.link} href={url} target="_blank" rel="noopener noreferrer">
            {said.openSlack}
            <ExternalLink size={13} aria-hidden="true" />
          </a>
        </Notice>
      )}
    </Form>
  );
}

function Missing({ names }: { names: string[] }) {
  const said = useWords(words);
  return (
    <Notice tone="warn">
      {said.missing}
      <ul className={styles.names}>
        {names.map((name) => (
          <li key={name}>
            <code>{name}</code>
          </li>
        ))}
      </ul>
      {said.missingAlso}
    </Notice>
  );
}
