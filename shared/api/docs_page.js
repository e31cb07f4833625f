// Lists the operations of openapi.json, which lies beside this page, and sends requests with the token that is given.
// It builds elements and sets texts only: nothing that an answer holds becomes markup.
"use strict";

const base = location.pathname.replace(/\/docs\/?$/, "");
const byId = (id) => document.getElementById(id);

function element(name, text = "", properties = {}) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(text);
  return made;
}

function resolved(part, api) {
  if (!part || !part.$ref) return part;
  return part.$ref.slice(2).split("/").reduce((found, name) => found[name], api);
}

function exampleOf(content, api) {
  const schema = resolved(content.schema, api);
  const example = content.example ?? (schema.examples && schema.examples[0]) ?? {};
  return typeof example === "string" ? example : JSON.stringify(example, null, 2);
}

function field(parameter, api) {
  const schema = resolved(parameter.schema, api);
  const words = schema.enum ? ` (${schema.enum.join(", ")})` : "";
  const input = element("input", "", { size: 50 });
  const label = element("label", `${parameter.name}${parameter.required ? " *" : ""} `);
  label.append(input, element("small", ` ${parameter.in}: ${parameter.description ?? ""}${words}`));
  return { parameter, input, label };
}

async function send(method, path, fields, body, answer) {
  const query = new URLSearchParams();
  const headers = {};
  const token = byId("token").value.trim();
  if (token) headers.Authorization = `Bearer ${token}`;
  for (const { parameter, input } of fields) {
    const value = input.value;
    if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(value));
    else if (value && parameter.in === "query") query.set(parameter.name, value);
    else if (value && parameter.in === "header") headers[parameter.name] = value;
  }
  const request = { method: method.toUpperCase(), headers };
  if (body && body.area.value.trim()) {
    headers["Content-Type"] = body.type;
    request.body = body.area.value;
  }
  answer.textContent = "...";
  try {
    const response = await fetch(`${base}${path}${query.size ? `?${query}` : ""}`, request);
    const text = await response.text();
    const isJson = (response.headers.get("Content-Type") ?? "").endsWith("json");
    const shown = isJson && text ? JSON.stringify(JSON.parse(text), null, 2) : text;
    answer.textContent = `${response.status} ${response.statusText}\n${shown.slice(0, 100000)}`;
  } catch (error) {
    answer.textContent = String(error);
  }
}

function operationPart(method, path, operation, api) {
  const part = element("details");
  const fields = (operation.parameters ?? []).map((parameter) => field(resolved(parameter, api), api));
  part.append(element("summary", `${method.toUpperCase()} ${path}`), element("p", operation.description ?? ""));
  for (const { label } of fields) part.append(label, element("br"));
  let body = null;
  const contents = Object.entries(operation.requestBody?.content ?? {});
  if (contents.length) {
    const [type, content] = contents[0];
    body = { type, area: element("textarea", "", { rows: 8, cols: 90, value: exampleOf(content, api) }) };
    part.append(element("p", type), body.area, element("br"));
  }
  const answer = element("pre");
  const button = element("button", "Send");
  button.addEventListener("click", () => send(method, path, fields, body, answer));
  part.append(button, answer);
  return part;
}

async function show() {
  const api = await (await fetch(`${base}/openapi.json`)).json();
  const page = byId("operations");
  page.replaceChildren();
  for (const tag of api.tags) {
    page.append(element("h2", tag.name), element("p", tag.description));
    for (const [path, methods] of Object.entries(api.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        if (operation.tags.includes(tag.name)) page.append(operationPart(method, path, operation, api));
      }
    }
  }
}

show().catch((error) => byId("operations").replaceChildren(element("p", String(error))));
