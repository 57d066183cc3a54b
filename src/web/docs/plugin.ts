// What this page changes about Swagger UI. It replaces components by their names in Swagger UI, which no version
// guarantees: the version is pinned, and the browser tests of `/docs` fail where a name is gone.
import type { Component, Plugin, State } from "swagger-ui-dist/swagger-ui-es-bundle.js";

const paragraphs = /\n{2,}/;

/** The markup that Swagger UI itself puts before a parameter's values. */
const ownMarkup = /^<i>(Available values|Default value|Example)<\/i> :/;

export const plugin: Plugin = {
  wrapComponents: {
    // Swagger UI renders descriptions as Markdown with HTML. Ours have paragraphs and `code`; everything else is text.
    Markdown:
      (_, { React }): Component =>
      ({ source: given }) => {
        if (typeof given !== "string" || given === "") return null;
        const source = given.replace(ownMarkup, "$1:");
        const draw = (text: string) =>
          text
            .split("`")
            .map((part, place) => (place % 2 === 1 ? React.createElement("code", { key: place }, part) : part));
        const drawn = source.split(paragraphs).map((text, key) => React.createElement("p", { key }, ...draw(text)));
        return React.createElement("div", { className: "renderedMarkdown" }, ...drawn);
      },
    // Replaces a link within a button: the keyboard stops at both, and a screen reader announces neither.
    DeepLink:
      (_, { React }): Component =>
      ({ text }) =>
        React.createElement("span", null, ...[text as string].flat()),
    // Of 150 lines and more it draws only those on the screen, and the browser's search finds no others. Each tag alone has
    // fewer.
    operations:
      (Original, { React }): Component =>
      (props) => {
        const selectors = props.specSelectors as SpecSelectors;
        const tagged = selectors.taggedOperations();
        const draw = (tag: string) => {
          const taggedOperations = () => tagged.filter((_, name) => name === tag);
          return React.createElement(Original, {
            ...props,
            key: tag,
            specSelectors: { ...selectors, taggedOperations },
          });
        };
        const tags = tagged.keySeq().toArray();
        return tags.length === 0
          ? React.createElement(Original, props)
          : React.createElement("div", null, ...tags.map(draw));
      },
    // The only server is the one that serves this page.
    ServersContainer: () => () => null,
    Select:
      (Original, { React }): Component =>
      (props) =>
        React.createElement(
          "label",
          null,
          React.createElement("span", { className: "unseen" }, "Value"),
          React.createElement(Original, props),
        ),
    TextArea:
      (Original, { React }): Component =>
      (props) =>
        React.createElement(Original, { ...props, "aria-label": "Request body" }),
    // Their labels differ from their visible text.
    Button:
      (Original, { React }): Component =>
      (props) =>
        React.createElement(Original, { ...props, "aria-label": undefined }),
    CloseIcon:
      (_, { React }): Component =>
      () =>
        React.createElement("span", null, "Close"),
    Input:
      (Original, { React }): Component =>
      (props) =>
        React.createElement(Original, { ...props, ...(props.id === "auth-bearer-value" ? keyInput : {}) }),
    // A person's key appears neither on the screen nor in a copied command.
    curl:
      (Original, { React }): Component =>
      (props) =>
        React.createElement(Original, { ...props, request: hideKey(props.request as State) }),
  },
  statePlugins: {
    spec: {
      wrapSelectors: {
        // Swagger UI shows a response once it is complete, which a subscription never is.
        allowTryItOutFor: () => (state, path, method) => !isSubscription(state, path, method),
      },
    },
  },
};

interface SpecSelectors {
  taggedOperations(): TaggedOperations;
}

interface TaggedOperations {
  keySeq(): { toArray(): string[] };
  filter(isKept: (operations: unknown, tag: string) => boolean): TaggedOperations;
}

const keyInput = { type: "password", autoComplete: "off", "aria-label": "API key" };

const authorization = ["headers", "Authorization"];

function hideKey(request: State): State {
  return request.hasIn(authorization) ? request.setIn(authorization, "Bearer $TASKLOOM_KEY") : request;
}

/** A stream that is read, or a WebSocket. POST routes stream too, until their run ends. */
function isSubscription(state: State, path: string, method: string): boolean {
  const responses = state.getIn(["json", "paths", path, method, "responses"]);
  if (method !== "get" || responses === undefined) return false;
  return responses.hasIn(["101"]) || responses.some((answer) => answer.hasIn(["content", "text/event-stream"]));
}
