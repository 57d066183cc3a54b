// Tracks, character by character, where a Markdown text is code: in a fence of backticks or tildes, or in a span
// between backticks. A call inside code is an example. As in CommonMark, a fence begins at the start of a line and ends
// with a line of at least as many marks, and a span ends with as many backticks as opened it. A span also ends with its
// line here, so that a backtick left open further up can't turn a call into code.

const BACKTICK = 0x60;
const TILDE = 0x7e;
const NEWLINE = 0x0a;

export interface CodeTracker {
  accept(code: number): void;
  /** Accepts characters of which none is a backtick, a tilde or a line break. */
  skip(text: string, from: number, to: number): void;
  /** Whether the line has only had white space so far. */
  readonly beginsLine: boolean;
  /** The context of the next character, which is neither a backtick nor a tilde. */
  readonly context: "text" | "span" | "fence";
  /** The number of backticks that would close the span that is open or may be open. */
  readonly marks: number;
  /** Call this after a whole span was consumed, or if its backticks open none. */
  leaveSpan(): void;
  /** Records a call inside the open fence. */
  noteCall(): void;
  /** Whether the fence that is still open contains a call. */
  readonly holdsCall: boolean;
}

/** `info` is the line that opens a fence; if backticks follow on it, it is a span after all. */
type Fence = { mark: number; count: number; part: "info" | "start" | "line" | "closing"; holdsCall: boolean };

export function createCodeTracker(): CodeTracker {
  let fence: Fence | null = null;
  let span = 0;
  /** The last marks that were read without a gap. */
  let run = { mark: 0, count: 0, beginsLine: false };
  /** Whether the line has only had white space so far. */
  let isLineStart = true;

  function endRun(): void {
    const { mark, count, beginsLine } = run;
    if (count === 0) return;
    run = { mark: 0, count: 0, beginsLine: false };
    if (fence && fence.part !== "info") {
      const closes = beginsLine && mark === fence.mark && count >= fence.count;
      fence.part = closes ? "closing" : "line";
    } else if (beginsLine && count >= 3 && span === 0) fence = { mark, count, part: "info", holdsCall: false };
    else if (mark === BACKTICK) {
      if (fence?.mark === BACKTICK) {
        span = fence.count;
        fence = null;
      } else if (fence) return;
      if (span === 0) span = count;
      else if (span === count) span = 0;
    }
  }

  function beginLine(): void {
    isLineStart = false;
    if (fence && fence.part !== "info") fence.part = "line";
  }

  function endLine(): void {
    if (fence?.part === "closing") fence = null;
    else if (fence) fence.part = "start";
    span = 0;
    isLineStart = true;
  }

  return {
    accept(code) {
      if (code === BACKTICK || code === TILDE) {
        if (run.count > 0 && run.mark !== code) endRun();
        run = { mark: code, count: run.count + 1, beginsLine: run.count > 0 ? run.beginsLine : isLineStart };
        isLineStart = false;
        return;
      }
      endRun();
      if (code === NEWLINE) return endLine();
      if (!isBlank(code)) beginLine();
    },
    skip(text, from, to) {
      endRun();
      // Nothing changes any more once the line has begun.
      if (!isLineStart && fence === null) return;
      let at = from;
      while (at < to && isBlank(text.charCodeAt(at))) at++;
      if (at < to) beginLine();
    },
    get beginsLine() {
      return isLineStart;
    },
    get context() {
      endRun();
      return fence ? "fence" : span > 0 ? "span" : "text";
    },
    get marks() {
      endRun();
      return span;
    },
    leaveSpan() {
      span = 0;
      isLineStart = false;
    },
    noteCall() {
      if (fence) fence.holdsCall = true;
    },
    get holdsCall() {
      endRun();
      return fence !== null && fence.part !== "closing" && fence.holdsCall;
    },
  };
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d;
}
