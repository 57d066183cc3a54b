import type { Job } from "../job.ts";
import { laterJobs } from "./again.ts";
import { honestJobs } from "./honest.ts";
import { idleLies } from "./idle.ts";
import { limits } from "./limits.ts";
import { patternJobs } from "./patterns.ts";
import { peopleJobs } from "./people.ts";
import { repositoryJobs } from "./repository.ts";
import { tamperingLies } from "./tampering.ts";

export const jobs: Job[] = [
  ...idleLies,
  ...tamperingLies,
  ...patternJobs,
  ...limits,
  ...honestJobs,
  ...repositoryJobs,
  ...peopleJobs,
  ...laterJobs,
];
