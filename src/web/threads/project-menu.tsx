// Which project's conversations are listed, and the actions on projects.
import { ChevronsUpDown, FolderPlus, Folders, Pencil, Trash2 } from "lucide-react";
import { useEffect, useState } from "react";
import { useApp } from "../app/context.ts";
import { May } from "../app/may.tsx";
import { words as frame } from "../app/words.ts";
import { Button } from "../parts/button.tsx";
import { Menu, MenuChoices, MenuItem, MenuLine } from "../parts/menu.tsx";
import { ProblemNotice } from "../parts/notice.tsx";
import { chosenProject } from "../state/chosen.ts";
import { go, place } from "../state/place.ts";
import { useStore } from "../state/store.ts";
import { useWords } from "../state/words.ts";
import { AskDialog } from "./ask-dialog.tsx";
import { NameDialog } from "./name-dialog.tsx";
import type { ProjectList } from "./project-list.ts";
import styles from "./project-menu.module.css";
import { nameProjects } from "./project-names.ts";
import { words } from "./words.ts";

type Asked = "create" | "rename" | "remove";

export function ProjectMenu({ projects }: { projects: ProjectList }) {
  const said = useWords(words);
  const general = useWords(frame);
  const { threads } = useApp();
  const { threads: rows } = useStore(threads.view);
  const { projects: known, problem, phase } = useStore(projects.view);
  const chosen = useStore(chosenProject);
  const [asked, setAsked] = useState<Asked | null>(null);
  const named = nameProjects(known, rows, { untitled: general.untitled, chosen });
  const name = named.find(({ value }) => value === chosen)?.label ?? said.allProjects;
  const read = (): void => {
    void projects.read();
    // Projects without a name are named after their conversations.
    void threads.all();
  };
  const items = (
    <>
      <OnOpen read={read} />
      <MenuChoices
        value={chosen ?? ""}
        choices={[{ value: "", label: said.allProjects }, ...named]}
        onChoose={(value) => chosenProject.set(value === "" ? null : value)}
      />
      {phase === "loading" && <p className={styles.loading}>…</p>}
      <May scope="write">
        <MenuLine />
        <MenuItem icon={FolderPlus} onClick={() => setAsked("create")}>
          {said.newProject}
        </MenuItem>
        {chosen !== null && (
          <>
            <MenuItem icon={Pencil} onClick={() => setAsked("rename")}>
              {said.renameProject}
            </MenuItem>
            <MenuItem icon={Trash2} tone="danger" onClick={() => setAsked("remove")}>
              {said.removeProject}
            </MenuItem>
          </>
        )}
      </May>
    </>
  );
  return (
    <div className={styles.projects}>
      <Menu icon={Folders} label={said.project(name)} className={styles.button} align="start" items={items}>
        <span className={styles.name} dir="auto">
          {name}
        </span>
        <ChevronsUpDown size={14} aria-hidden="true" />
      </Menu>
      {problem && (
        <ProblemNotice
          problem={problem}
          action={
            <Button small look="quiet" onClick={() => projects.dismiss()}>
              {general.gotIt}
            </Button>
          }
        />
      )}
      {asked && <Asking asked={asked} name={name} projects={projects} onClose={() => setAsked(null)} />}
    </div>
  );
}

/** A menu's entries are read when it is opened. */
function OnOpen({ read }: { read: () => void }) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each time that it is opened
  useEffect(read, []);
  return null;
}

function Asking({
  asked,
  name,
  projects,
  onClose,
}: {
  asked: Asked;
  name: string;
  projects: ProjectList;
  onClose: () => void;
}) {
  const said = useWords(words);
  const { threads } = useApp();
  const chosen = useStore(chosenProject) ?? "";
  if (asked === "create") {
    return (
      <NameDialog
        title={said.projectTitle}
        hint={said.projectHint}
        yes={said.create}
        onName={(next) => projects.create(next)}
        onClose={onClose}
      />
    );
  }
  if (asked === "rename") {
    return (
      <NameDialog
        title={said.renameProjectTitle}
        name={name}
        yes={said.save}
        onName={(next) => projects.rename(chosen, next)}
        onClose={onClose}
      />
    );
  }
  const remove = async (): Promise<boolean> => {
    const done = await projects.remove(chosen);
    const { threads: rows } = threads.view.get();
    const open = rows.find(({ thread_id }) => thread_id === place.get().thread);
    if (!done) return false;
    if (open?.project_id === chosen) go({ thread: null });
    threads.forgetProject(chosen);
    return true;
  };
  return (
    <AskDialog title={said.removeProjectTitle} text={said.removeProjectAsk(name)} onYes={remove} onClose={onClose} />
  );
}
