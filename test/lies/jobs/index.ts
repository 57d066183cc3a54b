import type { Job } from "../job.ts";
import { honestJobs } from "./honest.ts";
import { idleLies } from "./idle.ts";
import { limits } from "./limits.ts";
import { tamperingLies } from "./tampering.ts";

export const jobs: Job[] = [...idleLies, ...tamperingLies, ...limits, ...honestJobs];
