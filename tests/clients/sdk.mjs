/**
 * Makes calls of the official SDK, one a line of the input, and prints what came back, one line each, as JSON:
 * `{ "path": "aiSearch.namespaces.instances.search", "given": ["handbook", {…}], "how": "" | "pages" | "stream" }`.
 * Errors of the API are `{ error: { name, status, errors } }`; `{ "$file": [name, text] }` stands for a file.
 */

import { createInterface } from "node:readline";
import Cloudflare, { toFile } from "cloudflare";

const client = new Cloudflare({
  apiToken: process.env.CLOUDFLARE_API_TOKEN,
  baseURL: process.env.CLOUDFLARE_BASE_URL,
  maxRetries: 0,
});

async function revive(value) {
  if (value?.$file) return toFile(Buffer.from(value.$file[1]), value.$file[0], { type: "text/markdown" });
  if (Array.isArray(value)) return Promise.all(value.map(revive));
  if (value === null || typeof value !== "object") return value;
  const pairs = Object.entries(value).map(async ([key, one]) => [key, await revive(one)]);
  return Object.fromEntries(await Promise.all(pairs));
}

async function read(called, how) {
  if (how === "pages") {
    const rows = [];
    for await (const row of called) rows.push(row);
    return rows;
  }
  if (how === "stream") return { text: await (await called.asResponse()).text() };
  const value = await called;
  return value instanceof Response ? { text: await value.text() } : (value ?? null);
}

async function call({ path, given, how }) {
  const names = path.split(".");
  const verb = names.pop();
  const resource = names.reduce((found, name) => found[name], client);
  try {
    return await read(resource[verb](...(await revive(given))), how);
  } catch (error) {
    if (!(error instanceof Cloudflare.APIError)) throw error;
    return { error: { name: error.constructor.name, status: error.status, errors: error.errors } };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await call(JSON.parse(line))));
}
