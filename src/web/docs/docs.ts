// The viewer of `/docs`. The page is the Worker's (src/http/docs) and works without this script: it links to the
// description.
import "./docs.css";
import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import { plugin } from "./plugin.ts";

SwaggerUI({
  url: "/openapi.json",
  dom_id: "#viewer",
  plugins: [plugin],
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  filter: true,
  // Its colours are inline styles and have too little contrast.
  syntaxHighlight: { activated: false },
  // A typed key stays in this page's memory, and is gone with the page.
  persistAuthorization: false,
  // By default Swagger UI sends the description's address to a server of Swagger's.
  validatorUrl: null,
});
