// Which of the two languages a text is in: what the server itself says to people is said in theirs.

/** One Chinese character is enough: English text hardly ever holds one, Chinese text always does. */
export function isChinese(text: string): boolean {
  return /\p{Script=Han}/u.test(text);
}
