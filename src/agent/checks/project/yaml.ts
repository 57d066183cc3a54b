// YAML without what can make a small text large or mean more than it shows: no anchors, aliases, merge keys and tags.
// The parser's events are looked at before anything is built of them.
import { CORE_SCHEMA, constructFromEvents, EVENT_ID, parseEvents } from "js-yaml";

/** `why`: what is wrong, as the end of a sentence. */
export function parseYaml(text: string, maxDepth: number): { value: unknown } | { why: string } {
  try {
    const events = parseEvents(text, { maxDepth });
    for (const event of events) {
      if (event.type === EVENT_ID.ALIAS || ("anchorEnd" in event && event.anchorEnd > event.anchorStart))
        return {
          why: "it has an anchor or an alias (& or *), which is not supported; put such a text in quotes, or write it out",
        };
      if ("tagEnd" in event && event.tagEnd > event.tagStart)
        return { why: "it has a tag (!), which is not supported; put such a text in quotes" };
    }
    const documents = constructFromEvents(events, { source: text, schema: CORE_SCHEMA, maxAliases: 0 });
    if (documents.length !== 1)
      return { why: documents.length === 0 ? "it is empty" : "it has more than one document" };
    return { value: documents[0] };
  } catch (error) {
    const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    return { why: `it is no YAML that can be read: ${line}` };
  }
}
