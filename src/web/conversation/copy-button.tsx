// Copies a text, and confirms it.
import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { IconButton } from "../parts/button.tsx";
import { defineWords, useWords } from "../state/words.ts";

const words = defineWords({ copy: "Copy", copied: "Copied" }, { copy: "复制", copied: "已复制" });

const shownMs = 1_500;

export function CopyButton({ text, label }: { text: string; label?: string }) {
  const [isDone, setDone] = useState(false);
  const { copy, copied } = useWords(words);
  useEffect(() => {
    if (!isDone) return;
    const timer = setTimeout(() => setDone(false), shownMs);
    return () => clearTimeout(timer);
  }, [isDone]);
  const act = (): void => {
    navigator.clipboard.writeText(text).then(
      () => setDone(true),
      () => {
        // Refused by the browser: the text can still be selected.
      },
    );
  };
  return <IconButton small label={isDone ? copied : (label ?? copy)} icon={isDone ? Check : Copy} onClick={act} />;
}
