// The script of `/docs`: draws `/openapi.json`. It writes text nodes only, so nothing in a description can become markup.
export const docsScript = `
const methods = ["get", "post", "patch", "put", "delete"];

function node(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  for (const child of children.flat(Infinity)) if (child !== null && child !== undefined) made.append(child);
  return made;
}

// Descriptions are Markdown of one kind: words between backticks are code.
function prose(text) {
  return (text || "").split("\\u0060").map((part, index) => (index % 2 ? node("code", {}, part) : part));
}

function refName(schema) {
  return schema && schema.$ref ? schema.$ref.split("/").pop() : null;
}

function typeOf(schema) {
  const name = refName(schema);
  if (name) return node("a", { href: "#schema-" + name }, name);
  const many = schema.anyOf || schema.oneOf;
  if (many) return node("span", {}, ...many.flatMap((one, index) => (index ? [" | ", typeOf(one)] : [typeOf(one)])));
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.type === "array") {
    const items = schema.items || {};
    const many = items.anyOf || items.oneOf || items.enum;
    return node("span", {}, many ? "(" : "", typeOf(items), many ? ")[]" : "[]");
  }
  return [].concat(schema.type || "any JSON").join(" | ") + (schema.format ? " (" + schema.format + ")" : "");
}

function limitsOf(schema) {
  const limits = [];
  if (schema.minLength !== undefined || schema.maxLength !== undefined)
    limits.push((schema.minLength || 0) + " to " + (schema.maxLength ?? "any number of") + " characters");
  if (schema.minimum !== undefined || schema.maximum !== undefined)
    limits.push((schema.minimum ?? "") + " to " + (schema.maximum ?? ""));
  if (schema.maxItems !== undefined) limits.push("at most " + schema.maxItems + " items");
  if (schema.pattern) limits.push(schema.pattern);
  if (schema.default !== undefined) limits.push("default " + JSON.stringify(schema.default));
  return limits.join(", ");
}

function fields(schema, depth) {
  if (!schema || depth > 6 || refName(schema)) return null;
  const many = schema.anyOf || schema.oneOf;
  if (many) return node("div", {}, ...many.map((one) => fields(one, depth + 1)));
  if (schema.type === "array") return fields(schema.items, depth + 1);
  const properties = Object.entries(schema.properties || {});
  if (!properties.length) return null;
  return node("ul", { class: "fields" }, ...properties.map(([name, inner]) => {
    const needed = (schema.required || []).includes(name);
    return node("li", {},
      node("code", {}, name), " ", node("span", { class: "type" }, typeOf(inner)),
      needed ? node("span", { class: "needed" }, " required") : null,
      node("span", { class: "soft" }, [limitsOf(inner), inner.description].filter(Boolean).map((text) => [" · ", prose(text)])),
      fields(inner, depth + 1));
  }));
}

function example(value) {
  if (value === undefined) return null;
  return node("pre", { tabindex: "0" }, typeof value === "string" ? value : JSON.stringify(value, null, 2));
}

function content(media, schemas) {
  return Object.entries(media || {}).map(([type, { schema, example: given }]) => {
    const named = schemas[refName(schema)];
    return node("div", {}, node("p", {}, node("code", {}, type), " ", node("span", { class: "type" }, typeOf(schema))),
      fields(schema, 0), example(given ?? schema.example ?? (named && named.example)));
  });
}

function parameters(list) {
  if (!list || !list.length) return null;
  return [node("h3", {}, "Parameters"), node("table", {},
    node("tr", {}, ...["Name", "In", "Type", ""].map((text) => node("th", {}, text))),
    ...list.map((one) => node("tr", {},
      node("td", {}, node("code", {}, one.name), one.required ? node("span", { class: "needed" }, " required") : null),
      node("td", {}, one.in), node("td", { class: "type" }, typeOf(one.schema)),
      node("td", { class: "soft" }, prose(one.description), one.description ? " " : null, limitsOf(one.schema)))))];
}

function operation(path, method, spec, schemas) {
  return node("details", { id: spec.operationId },
    node("summary", {}, node("span", { class: "method " + method }, method), node("span", { class: "path" }, path),
      node("span", { class: "soft" }, spec.summary)),
    spec.description ? node("p", {}, prose(spec.description)) : null,
    node("p", { class: "soft" }, (spec.security || []).length ? "Needs an API key." : "Needs no key."),
    parameters(spec.parameters),
    spec.requestBody ? [node("h3", {}, "Body"), content(spec.requestBody.content, schemas)] : null,
    node("h3", {}, "Answers"),
    Object.entries(spec.responses).map(([status, answer]) => node("details", {},
      node("summary", {}, node("span", { class: "status" }, status), node("span", { class: "soft" }, prose(answer.description))),
      Object.entries(answer.headers || {}).map(([name, header]) =>
        node("p", {}, node("code", {}, name), " ", node("span", { class: "soft" }, header.description || ""))),
      content(answer.content, schemas))));
}

function draw(api) {
  const schemas = (api.components && api.components.schemas) || {};
  const byTag = new Map();
  for (const [path, item] of Object.entries(api.paths))
    for (const method of methods) if (item[method]) {
      const tag = (item[method].tags || ["Other"])[0];
      byTag.set(tag, [...(byTag.get(tag) || []), [path, method, item[method]]]);
    }
  const main = document.querySelector("main");
  const contents = document.querySelector("#contents");
  main.replaceChildren(node("h1", {}, api.info.title + " " + api.info.version), ...api.info.description.split("\\n\\n").map((text) => node("p", {}, prose(text))),
    node("p", {}, node("a", { href: "/openapi.json" }, "openapi.json")));
  for (const [tag, operations] of byTag) {
    main.append(node("h2", {}, tag), ...operations.map(([path, method, spec]) => operation(path, method, spec, schemas)));
    contents.append(node("h2", {}, tag), ...operations.map(([, , spec]) => node("a", { href: "#" + spec.operationId }, spec.summary)));
  }
  main.append(node("h2", {}, "Schemas"), ...Object.entries(schemas).map(([name, schema]) => node("details", { id: "schema-" + name },
    node("summary", {}, node("span", { class: "path" }, name)), fields(schema, 0) || node("p", { class: "type" }, typeOf(schema)),
    example(schema.example))));
  contents.append(node("h2", {}, "Schemas"), ...Object.keys(schemas).map((name) => node("a", { href: "#schema-" + name }, name)));
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target || target.tagName !== "DETAILS") return;
  target.open = true;
  target.scrollIntoView();
}

try {
  const answer = await fetch("/openapi.json");
  if (!answer.ok) throw new Error("status " + answer.status);
  draw(await answer.json());
  openTarget();
  addEventListener("hashchange", openTarget);
} catch (error) {
  document.querySelector("#state").textContent = "The description could not be loaded: " + error.message;
}
`;
