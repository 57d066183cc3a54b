// The sections as the address names them.
export const sectionNames = ["keys", "agents", "triggers", "webhooks", "slack", "git", "usage"] as const;
export type SectionName = (typeof sectionNames)[number];

/** An unknown name (an old link, a typo) means the first section. */
export function readSection(name: string): SectionName {
  return sectionNames.find((each) => each === name) ?? "keys";
}
