// The viewer of `/docs`. The page is the Worker's (src/http/docs); it is complete without this script: a link to the description.
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
  // Its colours are inline and too weak to read.
  syntaxHighlight: { activated: false },
  // A key that is typed here is in this page's memory, and gone with it.
  persistAuthorization: false,
  // The default sends the description's address to a server of Swagger's.
  validatorUrl: null,
});
