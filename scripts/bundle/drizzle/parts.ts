// What the bundle takes for parts of drizzle ([alias] in wrangler.toml): its relational queries, which a database without a
// schema has not (src/store/database.ts), and Postgres' enums.

class LeftOut {}

export { LeftOut as Many, LeftOut as One, LeftOut as RelationalQueryBuilder };

function leftOut(): never {
  throw new Error("The bundle has no relational queries of drizzle (scripts/bundle/drizzle/parts.ts).");
}

export {
  leftOut as createTableRelationsHelpers,
  leftOut as extractTablesRelationalConfig,
  leftOut as getOperators,
  leftOut as getOrderByOperators,
  leftOut as mapRelationalRow,
  leftOut as normalizeRelation,
};

export const isPgEnum = (): boolean => false;
