// Draws /openapi.json.
import { element } from "./view.js";

const refName = (schema) => schema.$ref?.split("/").pop();

function typeOf(schema) {
  if (!schema || !Object.keys(schema).length) return "any";
  if (schema.$ref) return refName(schema);
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" or ");
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (schema.type === "array") return `list of ${typeOf(schema.items)}`;
  return [schema.type, schema.contentEncoding].filter(Boolean).join(", ");
}

function bounds(schema) {
  const words = { minimum: "≥", maximum: "≤", maxLength: "at most, characters:", maxItems: "at most, items:", maxProperties: "at most, keys:" };
  const all = [schema, ...(schema.anyOf || [])];
  const found = Object.keys(words).flatMap((key) => all.filter((one) => one[key] !== undefined).map((one) => `${words[key]} ${one[key]}`));
  const fallback = schema.default !== undefined && schema.default !== null ? [`default ${JSON.stringify(schema.default)}`] : [];
  return [...found, ...fallback].join("; ");
}

function table(rows) {
  const made = element("table");
  for (const cells of rows) made.append(element("tr", {}, ...cells.map((cell, at) => element("td", {}, at ? cell : element("code", {}, cell)))));
  return made;
}

function operation(path, method, one) {
  const inside = element("div", { class: "inside" });
  const scopes = (one.security || []).flatMap((it) => it.bearer || []);
  if (scopes.length) inside.append(element("p", {}, "Where keys are asked for, it needs the scope ", element("code", {}, scopes.join(", ")), "."));
  const parameters = (one.parameters || []).map((it) => {
    const schema = it.schema || it.content["application/json"].schema;
    return [it.name, it.in, typeOf(schema), it.description || bounds(schema)];
  });
  if (parameters.length) inside.append(element("h3", {}, "Parameters"), table(parameters));
  const bodies = Object.entries(one.requestBody?.content || {}).map(([kind, it]) => [kind, typeOf(it.schema)]);
  if (bodies.length) inside.append(element("h3", {}, "Body"), table(bodies));
  const answers = Object.entries(one.responses).map(([status, it]) => [status, it.description, Object.values(it.content || {}).map((c) => typeOf(c.schema)).join(", ")]);
  inside.append(element("h3", {}, "Answers"), table(answers));
  return element(
    "details", {}, element("summary", {}, element("b", { class: "method" }, method.toUpperCase()), element("code", {}, path), element("span", {}, one.summary)), inside,
  );
}

function schema(name, one) {
  const required = new Set(one.required || []);
  const rows = Object.entries(one.properties || {}).map(([field, it]) => [field, typeOf(it) + (required.has(field) ? "" : " (optional)"), bounds(it)]);
  const inside = element("div", { class: "inside" }, element("p", {}, one.description || ""), table(rows));
  return element("details", { id: name }, element("summary", {}, element("code", {}, name), element("span", {}, (one.description || "").split("\n")[0])), inside);
}

const described = await (await fetch("/openapi.json")).json();
document.getElementById("intro").textContent = `${described.info.description} Version ${described.info.version}. Errors are problem documents (RFC 9457).`;
for (const [path, methods] of Object.entries(described.paths)) {
  for (const [method, one] of Object.entries(methods)) document.getElementById("operations").append(operation(path, method, one));
}
for (const [name, one] of Object.entries(described.components.schemas)) document.getElementById("schemas").append(schema(name, one));
