/** `env.AI.autorag(name)`: the AutoRAG generation. */

import { RpcTarget } from "cloudflare:workers";
import { named } from "./server.js";

/** Instances of a page at most. */
const MOST_LISTED = 100;

const failure = (status, message) =>
  named(
    { 401: "AutoRAGUnauthorizedError", 404: "AutoRAGNotFoundError" }[status] ?? "AutoRAGInternalError",
    message,
  );

export class AutoRAG extends RpcTarget {
  #server;
  #name;

  constructor(server, name) {
    super();
    this.#server = server;
    this.#name = name;
  }

  async list() {
    const found = [];
    for (let page = 1; ; page += 1) {
      const query = { page, per_page: MOST_LISTED };
      const rows = await this.#server.result("/autorag/rags", { query }, failure);
      found.push(...rows);
      if (rows.length < MOST_LISTED) return found;
    }
  }

  async search(params) {
    return this.#server.result(this.#path("search"), { method: "POST", json: params }, failure);
  }

  /** The answer with its results, or with `stream: true` the raw `Response` of server-sent events. */
  async aiSearch(params) {
    const options = { method: "POST", json: params };
    if (params?.stream) return this.#server.ask(this.#path("ai-search"), options, failure);
    return this.#server.result(this.#path("ai-search"), options, failure);
  }

  #path(verb) {
    if (!this.#name) throw named("AutoRAGNameNotSetError", "AutoRAG name not defined");
    return `/autorag/rags/${encodeURIComponent(this.#name)}/${verb}`;
  }
}
