// How to work with the web, for runs that have its tools. A run without them reads nothing of it: a model that reads of a
// search calls it.

const search =
  "- Search before you claim what changes or must be exact: prices, versions, news. 时效信息和具体数字先搜索再回答。";
const read = "- Read a page with fetch_url before you rely on it: a search result is a lead, not evidence.";
const citesRead = "Never cite what you have not read. 引用写来源编号 [n]，没读过的不引用。";
const citesFound = "A passage proves what it says and no more. 引用写来源编号 [n]，只引用摘要写明的内容。";
const cite = (rule: string) =>
  `- Put its source's number beside each fact and figure: "grew 12% [3]". ${rule} A report's file ends with its sources: number, title, address.
- Where sources disagree or nothing is found, say so; never fill gaps from memory.`;

export function describeResearch(tool_names: readonly string[]): string | null {
  const searches = tool_names.includes("web_search");
  const reads = tool_names.includes("fetch_url");
  if (!searches && !reads) return null;
  const lines = [...(searches ? [search] : []), ...(reads ? [read] : []), cite(reads ? citesRead : citesFound)];
  return ["# Research", "", ...lines].join("\n");
}
