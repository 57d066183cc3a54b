// The database of all servers that want one: a D1 process with the product's tables.
import { migrate } from "../../dev/start/migrations.ts";
import { startD1, type WorkerdProgram } from "../processes/workerd.ts";

/** `root` is the repository, `folder` where the database is stored. */
export async function startDatabase(root: string, folder: string): Promise<WorkerdProgram> {
  const program = await startD1(folder, 1);
  await migrate(connect(program.url), root);
  return program;
}

interface Statement {
  sql: string;
  params: unknown[];
}

/** The part of D1's binding that migrations use, over the protocol that the binding speaks. */
function connect(url: string): Pick<D1Database, "prepare" | "batch"> {
  const query = async (statements: Statement[]): Promise<unknown[]> => {
    const response = await fetch(`${url}/query?resultsFormat=ARRAY_OF_OBJECTS`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(statements),
    });
    const results: unknown = await response.json();
    if (Array.isArray(results) && results.every(({ success }) => success === true)) return results;
    throw new Error(`D1 answered ${JSON.stringify(results).slice(0, 500)}`);
  };
  const prepare = (sql: string, params: unknown[] = []): object => {
    const run = async (): Promise<unknown> => (await query([{ sql, params }]))[0];
    return { sql, params, bind: (...values: unknown[]) => prepare(sql, values), run, all: run };
  };
  const database = { prepare, batch: (statements: Statement[]) => query(statements) };
  return database as unknown as Pick<D1Database, "prepare" | "batch">;
}
