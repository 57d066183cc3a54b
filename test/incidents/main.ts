// `npm run incidents`: plays incidents on servers of its own and says what an operator sees of each, as Markdown. Ends
// with 1 if a sign that the runbook names was not there. `-- WORD` plays those whose name has the word.
import { endWithReader } from "../../dev/reader.ts";
import { incidents } from "./incidents.ts";

endWithReader();
const wanted = process.argv[2]?.toLowerCase() ?? "";
let missing = 0;
for (const { name, play, signs } of incidents.filter((each) => each.name.toLowerCase().includes(wanted))) {
  const { health, log, metrics, more } = await play();
  const all = [...health, ...log, ...metrics, ...more].join("\n");
  const absent = signs.filter((sign) => !sign.test(all));
  missing += absent.length;
  const rows = { Health: health, Log: log, Metrics: metrics, Seen: more };
  console.log(`\n### ${name}\n`);
  for (const [what, found] of Object.entries(rows)) if (found.length > 0) console.log(`- ${what}: ${found.join("; ")}`);
  for (const sign of absent) console.log(`- **Missing: ${sign.source}**`);
}
console.log(missing === 0 ? "\nEvery sign of the runbook was there." : `\n${missing} signs are missing.`);
process.exitCode = missing === 0 ? 0 : 1;
