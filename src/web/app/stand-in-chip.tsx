// A chip that says that services are stand-ins; what they are opens below it. The browser's own popover needs no code
// for its layer and its closing.
import { FlaskConical } from "lucide-react";
import { useEffect, useId, useRef, useState } from "react";
import { defineWords, useWords } from "../state/words.ts";
import styles from "./stand-in-chip.module.css";

/** By the names that the server has for them. */
const words = defineWords(
  {
    model: {
      name: "Demo model",
      notice: "A scripted demo model writes the replies.",
      hint: "Set OPENAI_API_KEY to use a real model.",
    },
    sandbox: {
      name: "Local sandbox",
      notice: "Commands run on this machine, not in a cloud sandbox.",
      hint: "Set DAYTONA_API_KEY to use cloud sandboxes.",
    },
    search: {
      name: "Sample search",
      notice: "Web searches return made-up sample pages.",
      hint: "Set TAVILY_API_KEY or another search provider to search the web.",
    },
  },
  {
    model: {
      name: "演示模型",
      notice: "当前由演示模型按预设脚本回复。",
      hint: "设置 OPENAI_API_KEY 即可使用真实模型。",
    },
    sandbox: {
      name: "本机沙箱",
      notice: "命令在本机运行，而不是在云端沙箱中。",
      hint: "设置 DAYTONA_API_KEY 即可使用云端沙箱。",
    },
    search: {
      name: "示例搜索",
      notice: "网页搜索返回的是虚构的示例网页。",
      hint: "设置 TAVILY_API_KEY 或其他搜索服务即可搜索互联网。",
    },
  },
);

interface Said {
  name: string;
  notice: string;
  hint: string;
}

/** The most that its style allows. */
const maxBox = 340;
const gap = 8;

export function StandInChip({ names }: { names: string[] }) {
  const known: Record<string, Said> = useWords(words);
  const id = useId();
  const chip = useRef<HTMLButtonElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    if (!isOpen) return;
    // Escape closes this, and stops no run.
    const press = (event: KeyboardEvent): void => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      box.current?.hidePopover();
      chip.current?.focus();
    };
    document.addEventListener("keydown", press, true);
    return () => document.removeEventListener("keydown", press, true);
  }, [isOpen]);
  const found = names.flatMap((name) => known[name] ?? []);
  const [first, ...others] = found;
  if (!first) return null;
  /** Below the chip, as far as the window has room. Before it is seen, since `toggle` comes only some time after. */
  const toggle = ({ newState }: { newState: string }): void => {
    setOpen(newState === "open");
    const { bottom, right } = chip.current?.getBoundingClientRect() ?? { bottom: 0, right: 0 };
    const page = document.documentElement.clientWidth;
    const most = Math.max(gap, page - maxBox - gap);
    box.current?.style.setProperty("--top", `${bottom + gap}px`);
    box.current?.style.setProperty("--right", `${Math.min(most, page - right)}px`);
  };
  return (
    <>
      <button
        ref={chip}
        type="button"
        className={styles.chip}
        aria-expanded={isOpen}
        aria-controls={id}
        popoverTarget={id}
      >
        <FlaskConical size={13} aria-hidden="true" />
        <span className={styles.name}>{first.name}</span>
        {others.length > 0 && <span aria-hidden="true">+{others.length}</span>}
        <span className="unseen">{others.map(({ name }) => `, ${name}`).join("")}</span>
      </button>
      <div ref={box} id={id} role="note" popover="auto" className={styles.box} onBeforeToggle={toggle}>
        <dl>
          {found.map(({ name, notice, hint }) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                {notice} <span className={styles.hint}>{hint}</span>
              </dd>
            </div>
          ))}
        </dl>
      </div>
    </>
  );
}
