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
    // A name that no program in a sandbox uses: these files are served before the Worker, which alone knows the hosts of
    // previews (wrangler.toml).
    assetsDir: "_taskloom",
    target: "es2022",
    // The policy of the page's _headers allows nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The viewer of /docs comes as one file; the page itself is held to less by `npm run check`.
    chunkSizeWarningLimit: 1_600,
    rolldownOptions: {
      input: { index: "src/web/index.html", docs: "src/web/docs/docs.ts" },
      // The page of /docs is the Worker's, which knows no hash.
      output: {
        entryFileNames: ({ name }) => (name === "docs" ? "_taskloom/docs.js" : "_taskloom/[name]-[hash].js"),
        assetFileNames: ({ names }) =>
          names.includes("docs.css") ? "_taskloom/docs.css" : "_taskloom/[name]-[hash][extname]",
      },
    },
  },
  clearScreen: false,
  logLevel: "warn",
});
