// Detects which of two languages a text is in, so that the server's own words reach people in their language.

/** Chinese texts quote much English; English ones quote little Chinese, such as the title of a page. By letters. */
const MIN_SHARE = 0.1;

export function isChinese(text: string): boolean {
  const own = text.replace(/https?:\S+|`[^`]*`/g, "");
  const chinese = own.match(/\p{Script=Han}/gu)?.length ?? 0;
  const latin = own.match(/[a-z]/gi)?.length ?? 0;
  return chinese > 0 && chinese >= latin * MIN_SHARE;
}
