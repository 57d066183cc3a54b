// The web page: built from src/web into dist/web, which the Worker serves as its assets.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// Whoever starts the build, a test too, gets the page that people get: React of another environment is twice as large and slow.
process.env.NODE_ENV = "production";

export default defineConfig({
  root: "src/web",
  plugins: [react()],
  build: {
    outDir: "../../dist/web",
    emptyOutDir: true,
    target: "es2022",
    // The policy of the page's _headers allows nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  clearScreen: false,
  logLevel: "warn",
});
