// Where a body stops being JSON. The parser's own sentence quotes the body, which may hold a secret: only its numbers are
// passed on.

export function describeBadJson(error: unknown, text: string): string {
  const message = error instanceof Error ? error.message : "";
  const place = /at position (\d+)/.exec(message)?.[1];
  if (place !== undefined) {
    const lines = text.slice(0, Number(place)).split("\n");
    return `The body is not JSON: see line ${lines.length}, column ${(lines.at(-1) ?? "").length + 1}.`;
  }
  return /end of JSON/.test(message) ? "The body is not JSON: it ends too early." : "The body is not JSON.";
}
