// Reads what `web_search` and `fetch_url` return: data between fences, which nothing inside can end.

export interface FoundPage {
  n: number;
  url: string;
  title: string;
  /** Title, date and passage. */
  text: string;
}

export interface ReadPage {
  n: number;
  url: string;
  title: string;
  /** When it was published, as the page says it. */
  date: string | null;
  /** When it was read, as a day. */
  fetched: string;
  /** Markdown. */
  text: string;
}

const fences = /<web_content source="\[(\d{1,6})\] [^"\n]*">\n([\s\S]*?)\n<\/web_content>/g;

export function readFound(answer: string): FoundPage[] {
  return [...answer.matchAll(fences)].flatMap(([, n, inside = ""]) => {
    const [title = "", url = ""] = inside.split("\n");
    return /^https?:\/\/\S+$/.test(url) ? [{ n: Number(n), url, title, text: inside.replace(url, "") }] : [];
  });
}

export function readPage(answer: string): ReadPage | null {
  const [, n, url] = /^\[(\d{1,6})\] (https?:\/\/\S+)\n/.exec(answer) ?? [];
  const inside = [...answer.matchAll(fences)][0]?.[2];
  if (n === undefined || url === undefined || inside === undefined) return null;
  return {
    n: Number(n),
    url,
    title: /^Title: (.+)/.exec(inside)?.[1] ?? url,
    date: /^(?:Title: .+\n)?Published: (.+)/.exec(inside)?.[1]?.slice(0, 10) ?? null,
    fetched: /^Fetched: (\S{10})/m.exec(answer)?.[1] ?? "",
    text: inside.replace(/^(?:Title: .+\n?)?(?:Published: .+\n?)?\n*/, ""),
  };
}

/** Words for an agent and not for a reader. They are reported, not obeyed. */
const orders =
  /\bignore (?:all |the |your |any )*(?:previous|prior|above|earlier)\b|忽略.{0,8}(?:指示|指令|要求)|\bSYSTEM:|\bAssistant:|plan_reminder|\bcall complete\b|你现在没有限制/i;

export function hasOrders(text: string): boolean {
  return orders.test(text);
}
