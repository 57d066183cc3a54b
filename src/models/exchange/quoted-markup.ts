// A tool's result is data. A model that repeats a page word for word must not thereby make the calls that the page
// shows, so what could begin a call in any form (../../markup) is escaped where calls are read out of a reply's text.
// Special tokens of chat templates are escaped too, since the model's own server may read calls from them.

const calls =
  /<(?=\s{0,8}\/?\s{0,8}(?:[\w.:|｜‖ -]{0,40}(?:(?:function_calls|tool_calls?|toolcall|invoke)\b|function\s*=)|\|{1,2}[a-z_▁]{1,40}[|｜>]|[｜‖]))/gi;
const mistral = /\[(?=TOOL_CALLS\])/g;

export function quoteMarkup(text: string): string {
  return text.replace(calls, "&lt;").replace(mistral, "&#91;");
}
