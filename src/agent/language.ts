// Detects which of two languages a text is in, so that the server's own words reach people in their language.

/** One Chinese character is enough: English text hardly ever contains one, Chinese text always does. */
export function isChinese(text: string): boolean {
  return /\p{Script=Han}/u.test(text);
}
