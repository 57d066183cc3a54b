// The part of Swagger UI that this page uses; the package has no types.
declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  import type { ReactNode } from "react";

  /** Swagger UI renders with its own React, so elements are created with that one. */
  export type Component = (props: Record<string, unknown>) => ReactNode;

  export interface System {
    React: {
      createElement(
        component: Component | string,
        props: Record<string, unknown> | null,
        ...children: ReactNode[]
      ): ReactNode;
    };
  }

  /** An immutable map, which holds Swagger UI's state and requests. */
  export interface State {
    getIn(path: string[]): State | undefined;
    hasIn(path: string[]): boolean;
    setIn(path: string[], value: unknown): State;
    some(test: (value: State) => boolean): boolean;
  }

  export interface Plugin {
    wrapComponents: Record<string, (original: Component, system: System) => Component>;
    statePlugins: {
      spec: { wrapSelectors: { allowTryItOutFor(): (state: State, path: string, method: string) => boolean } };
    };
  }

  interface Options {
    url: string;
    dom_id: string;
    plugins: Plugin[];
    deepLinking: boolean;
    docExpansion: "none" | "list" | "full";
    defaultModelsExpandDepth: number;
    filter: boolean;
    syntaxHighlight: { activated: boolean };
    persistAuthorization: boolean;
    validatorUrl: null;
  }

  // biome-ignore lint/style/noDefaultExport: it is the package's
  export default function SwaggerUI(options: Options): void;
}
