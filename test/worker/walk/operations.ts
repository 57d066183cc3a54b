// The operations of `/openapi.json`, as a walk over all of them needs them.

export interface Schema {
  $ref?: string;
  type?: string | string[];
  pattern?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
  additionalProperties?: unknown;
  example?: unknown;
}

export interface Parameter {
  in: "path" | "query" | "header";
  name: string;
  required?: boolean;
}

export interface Operation {
  /** Such as `GET /v1/threads/{thread_id}`. */
  name: string;
  method: string;
  path: string;
  /** It needs no key. */
  isOpen: boolean;
  /** The scope that the key needs, or two of which it needs one (`write or admin`); null if any key will do, or none. */
  scope: string | null;
  /** The actions that it leaves in the audit. */
  actions: string[];
  parameters: Parameter[];
  /** The schema of a JSON body, with its references replaced; `bytes` if the body is any bytes. */
  body: Schema | "bytes" | null;
  /** The statuses that it documents. */
  statuses: number[];
  isStream: boolean;
  /** The schemas of JSON answers, by status. */
  answers: Record<number, Schema>;
}

interface Content {
  schema: Schema;
}

export interface Description {
  paths: Record<
    string,
    Record<
      string,
      {
        security: { key?: string[] }[];
        "x-audit"?: string[];
        parameters?: Parameter[];
        requestBody?: { content: Record<string, Content> };
        responses: Record<string, { content?: Record<string, Content> }>;
      }
    >
  >;
  components: { schemas: Record<string, Schema> };
}

export function readOperations({ paths, components }: Description): Operation[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(
      ([verb, { security, parameters = [], requestBody, responses, "x-audit": actions = [] }]) => {
        const method = verb.toUpperCase();
        const content = requestBody?.content ?? {};
        const json = content["application/json"]?.schema;
        return {
          name: `${method} ${path}`,
          method,
          path,
          isOpen: security.length === 0,
          scope: security.flatMap(({ key = [] }) => key).join(" or ") || null,
          actions,
          parameters,
          body: json ? withoutReferences(json, components.schemas) : requestBody ? ("bytes" as const) : null,
          statuses: Object.keys(responses).map(Number),
          answers: Object.fromEntries(
            Object.entries(responses).flatMap(([status, { content = {} }]) => {
              const schema = content["application/json"]?.schema;
              return schema ? [[status, withoutReferences(schema, components.schemas)]] : [];
            }),
          ),
          isStream: Object.values(responses).some((answer) => "text/event-stream" in (answer.content ?? {})),
        };
      },
    ),
  );
}

function withoutReferences<T>(value: T, schemas: Record<string, Schema>): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => withoutReferences(item, schemas)) as T;
  const { $ref } = value as Schema;
  if ($ref !== undefined) return withoutReferences(schemas[$ref.split("/").at(-1) ?? ""] as T, schemas);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutReferences(inner, schemas)])) as T;
}

/** Deletions that take much with them: a project's threads, and what a key made. */
const widest = ["/v1/projects/{project_id}", "/v1/sessions", "/v1/api-keys/{key_id}"];

/**
 * For sorting: reads first; what deletes much comes last, so that each operation still finds its things. A cancelled run
 * lets the next one take what waits.
 */
export function orderOf({ method, path }: Operation): number {
  // The answer of `/ag-ui` is read to its end, which a run that works has once it is cancelled.
  if (path.endsWith("/cancel") || path.startsWith("/ag-ui")) return 394;
  // They take back what others of the thread are asked for, and an edit what it names.
  if (path.includes("/messages/{message_id}")) return path.endsWith("/edit") ? 320 : 310;
  const rank = ["GET", "POST", "PUT", "PATCH", "DELETE"].indexOf(method) * 100;
  return method === "DELETE" ? rank + (widest.includes(path) ? widest.indexOf(path) : -path.split("/").length) : rank;
}

/** The pattern of an id that a client may choose (`clientId`). */
const ID_PATTERN = "^[A-Za-z0-9_-]{1,64}$";

/** What names something without being an id by its pattern: an id of the server, a git host, a file. */
const ID_NAME = /_ids?$|Ids?$|^id$|^host$|^path$/;

/** The fields of a body that name something, as `resume.interrupt_id`: by their pattern or by their name. */
export function findIdFields(schema: Schema, path: string[] = []): string[] {
  const { properties = {}, items, oneOf = [], anyOf = [], allOf = [] } = schema;
  const inside = [
    ...Object.entries(properties).flatMap(([name, inner]) => findIdFields(inner, [...path, name])),
    ...[...oneOf, ...anyOf, ...allOf, ...(items ? [items] : [])].flatMap((inner) => findIdFields(inner, path)),
  ];
  const isId = schema.pattern === ID_PATTERN || ID_NAME.test(path.at(-1) ?? "");
  return [...new Set(isId ? [path.join("."), ...inside] : inside)];
}

/** The fields of an answer that its schema does not have, such as a column that was never meant to be shown. */
export function findUndocumented(value: unknown, schema: Schema, path = ""): string[] {
  const forms = schema.oneOf ?? schema.anyOf;
  if (forms !== undefined) {
    return (
      forms.map((form) => findUndocumented(value, form, path)).sort((one, other) => one.length - other.length)[0] ?? []
    );
  }
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? [] : [...new Set(value.flatMap((item) => findUndocumented(item, items, path)))];
  }
  const { properties } = schema;
  if (typeof value !== "object" || value === null || properties === undefined) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const known = properties[name];
    const own = path === "" ? name : `${path}.${name}`;
    if (known !== undefined) return findUndocumented(inner, known, own);
    return schema.additionalProperties ? [] : [own];
  });
}
