// The sections, as the address names them.
export const sectionNames = ["keys", "agents", "triggers", "webhooks", "slack", "git", "usage"] as const;
export type SectionName = (typeof sectionNames)[number];

/** An address that names none of them (an old link, a slip) leads to the first. */
export function readSection(name: string): SectionName {
  return sectionNames.find((each) => each === name) ?? "keys";
}
