import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "sqlite",
  schema: [
    "./src/store/schema.ts",
    "./src/store/projects/schema.ts",
    "./src/store/people/schema.ts",
    "./src/store/budgets/schema.ts",
    "./src/store/server/schema.ts",
    "./src/store/receipts/schema.ts",
  ],
  out: "./migrations",
});
