// All sample pages. They are written here after the structure of real pages; none is a copy of one.
import { asianPages } from "./asia.ts";
import { communityPages } from "./community.ts";
import { eventPages, newsPages } from "./news.ts";
import { oddPages } from "./odd.ts";
import { referencePages } from "./reference.ts";
import type { SamplePage } from "./site.ts";
import { tablePages } from "./tables.ts";

export const samplePages: SamplePage[] = [
  ...newsPages,
  ...eventPages,
  ...referencePages,
  ...tablePages,
  ...communityPages,
  ...asianPages,
  ...oddPages,
];
