// The web page: built from src/web into dist/web, which the Worker serves as its assets.
import { defineConfig } from "vite";

export default defineConfig({
  root: "src/web",
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
