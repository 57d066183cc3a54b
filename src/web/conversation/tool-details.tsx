// The content of an opened tool call.
import { diffLines } from "diff";
import { useLayoutEffect, useRef } from "react";
import { defineWords, useWords } from "../state/words.ts";
import { Code } from "./code.tsx";
import { languageOf } from "./language.ts";
import { readLink } from "./link.ts";
import { isForModel, readOutcome, type ToolItem, tellsMore, type Unmade as UnmadeState } from "./tool-item.ts";
import styles from "./tool-row.module.css";
import { words } from "./words.ts";

/** A longer text is read in the file itself. */
const maxShownCharacters = 40_000;

const unmadeWords = defineWords(
  {
    declined: "This call was declined, so it was not made.",
    unmade: "This call was not made.",
    stopped: "The run was stopped before this call had a result.",
    unsure: "The server restarted during this call. It may have taken effect.",
    reason: (text: string) => `Reason: ${text}`,
  },
  {
    declined: "这次调用被拒绝，没有执行。",
    unmade: "这次调用没有执行。",
    stopped: "运行在这次调用得到结果之前已停止。",
    unsure: "服务器在这次调用期间重启，它可能已经生效。",
    reason: (text) => `理由：${text}`,
  },
);

export function ToolDetails({ item }: { item: ToolItem }) {
  const outcome = readOutcome(item);
  if (!isForModel(outcome)) return <div className={styles.details}>{renderDetails(item)}</div>;
  // The server's words in the result tell a model what to do next.
  return (
    <div className={styles.details}>
      {renderDetails({ ...item, result: null })}
      <Unmade state={outcome.state} result={item.result ?? ""} />
    </div>
  );
}

/** What a person typed when they declined it. */
const typedReason = /They said: (.*)$/s;

function Unmade({ state, result }: { state: UnmadeState; result: string }) {
  const said = useWords(unmadeWords);
  const reason = state === "declined" ? typedReason.exec(result)?.[1] : undefined;
  return (
    <p className={styles.label} dir="auto">
      {said[state]}
      {reason !== undefined && ` ${said.reason(reason)}`}
    </p>
  );
}

function renderDetails(item: ToolItem) {
  const given = parseArguments(item.arguments);
  const path = textOf(given?.path);
  if (item.name.includes("command")) return <Command item={item} command={textOf(given?.command)} />;
  if (item.name === "create_file" && path !== null && textOf(given?.content) !== null) {
    return (
      <>
        <Code title={path} language={languageOf(path)} text={cut(textOf(given?.content) ?? "")} open={item.open} />
        <Result item={item} isSilent />
      </>
    );
  }
  // Models call them by the second names too.
  const old = textOf(given?.old_string ?? given?.old_text);
  const fresh = textOf(given?.new_string ?? given?.new_text);
  if (item.name === "edit_file" && old !== null && fresh !== null) {
    return (
      <>
        <Difference path={path ?? ""} before={cut(old)} after={cut(fresh)} />
        <Result item={item} isSilent />
      </>
    );
  }
  if (item.name === "read_file" && path !== null && item.result !== null) {
    return <Code title={path} language={languageOf(path)} text={cut(item.result)} />;
  }
  return <Other item={item} given={given} />;
}

function Command({ item, command }: { item: ToolItem; command: string | null }) {
  const shown = item.result === null ? item.output : item.result.replace(/^exit_code: -?\d+\n/, "");
  return (
    <>
      {command !== null && <Code language="bash" text={cut(command)} />}
      <Output text={shown} isGrowing={item.result === null} />
    </>
  );
}

/** Growing output is read from its end, as in a terminal. */
function Output({ text, isGrowing = false }: { text: string; isGrowing?: boolean }) {
  const box = useRef<HTMLPreElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each new text may have made it longer
  useLayoutEffect(() => {
    if (isGrowing && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text, isGrowing]);
  if (text === "") return null;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: long output is scrolled with the keyboard too
    <pre ref={box} className={styles.output} tabIndex={0} dir="ltr">
      {cut(text)}
    </pre>
  );
}

function Difference({ path, before, after }: { path: string; before: string; after: string }) {
  const parts = diffLines(before, after);
  return (
    <>
      <p className={styles.label}>{path}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long lines are scrolled with the keyboard too */}
      <pre className={styles.output} tabIndex={0} dir="ltr">
        {parts.map(({ value, added, removed }, index) => (
          <Lines
            // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a difference have no other name
            key={index}
            text={value}
            sign={added ? "+" : removed ? "−" : " "}
            className={added ? styles.added : removed ? styles.removed : styles.same}
          />
        ))}
      </pre>
    </>
  );
}

function Lines({ text, sign, className }: { text: string; sign: string; className?: string }) {
  return text
    .replace(/\n$/, "")
    .split("\n")
    .map((line, index) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: lines are named by their places
      <span key={index} className={className}>
        <span className={styles.sign}>{sign}</span>
        {line}
        {"\n"}
      </span>
    ));
}

function Result({ item, isSilent = false }: { item: ToolItem; isSilent?: boolean }) {
  // A plain success adds nothing to the row.
  if (item.result === null || (isSilent && !tellsMore(item))) return null;
  return <Output text={item.result} />;
}

function Other({ item, given }: { item: ToolItem; given: Record<string, unknown> | null }) {
  const said = useWords(words);
  const url = readLink(/https?:\/\/\S+/.exec(item.result ?? "")?.[0] ?? "");
  const text = given === null ? item.arguments : JSON.stringify(given, null, 2);
  return (
    <>
      {item.name === "expose_port" && url && (
        <p className={styles.label}>
          <a href={url} target="_blank" rel="noopener noreferrer">
            {said.openPreview}
          </a>
        </p>
      )}
      {text !== "{}" && text !== "" && (
        <>
          <p className={styles.label}>{said.arguments}</p>
          <Output text={text} />
        </>
      )}
      {item.result !== null && <p className={styles.label}>{said.result}</p>}
      <Result item={item} />
      {item.result === null && <Output text={item.output} isGrowing />}
    </>
  );
}

function cut(text: string): string {
  if (text.length <= maxShownCharacters) return text;
  const half = maxShownCharacters / 2;
  return `${text.slice(0, half)}\n\n⋯ ${(text.length - maxShownCharacters).toLocaleString()} ⋯\n\n${text.slice(-half)}`;
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

/** Null while they are arriving, or where they are not JSON. */
function parseArguments(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
