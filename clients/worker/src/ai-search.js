/** `env.AI_SEARCH` and what it gives out: the AI Search generation, method by method as Cloudflare types it. */

import { RpcTarget } from "cloudflare:workers";
import { named } from "./server.js";

/** Symbols, since callers on the other side of a binding reach every method that has a name. */
export const PLACE = Symbol("server, namespace and instance");
const WAY = Symbol("server and path");

/** Statuses that an item keeps until somebody acts. */
const FINAL = new Set(["completed", "error", "skipped"]);

const failure = (status, message) => {
  if (status === 404) return named("AiSearchNotFoundError", message);
  return named(status === 0 || status >= 500 ? "AiSearchInternalError" : "AiSearchError", message);
};

const pathOf = (namespace, instance) =>
  `/ai-search/namespaces/${encodeURIComponent(namespace)}/instances` +
  (instance === undefined ? "" : `/${encodeURIComponent(instance)}`);

/** A completion, or with `stream: true` the stream of server-sent events. */
async function complete(server, path, params) {
  const options = { method: "POST", json: params };
  if (params?.stream) return (await server.ask(path, options, failure)).body;
  return server.read(path, options, failure);
}

/** The methods of a namespace, for a class that has `[PLACE]()`: its server and its namespace. */
export const namespaceMethods = (Base) =>
  class extends Base {
    get(name) {
      const { server, namespace } = this[PLACE]();
      return new Instance(server, namespace, name);
    }

    list(params) {
      const { server, namespace } = this[PLACE]();
      return server.page(pathOf(namespace), { query: params }, failure);
    }

    async create(config) {
      const { server, namespace } = this[PLACE]();
      const made = await server.result(pathOf(namespace), { method: "POST", json: config }, failure);
      return new Instance(server, namespace, made.id);
    }

    async delete(name) {
      const { server, namespace } = this[PLACE]();
      await server.ask(pathOf(namespace, name), { method: "DELETE" }, failure);
    }

    search(params) {
      const { server, namespace } = this[PLACE]();
      return server.result(this.#verb(namespace, "search"), { method: "POST", json: params }, failure);
    }

    chatCompletions(params) {
      const { server, namespace } = this[PLACE]();
      return complete(server, this.#verb(namespace, "chat/completions"), params);
    }

    #verb(namespace, verb) {
      return `/ai-search/namespaces/${encodeURIComponent(namespace)}/${verb}`;
    }
  };

/** The methods of an instance, for a class that has `[PLACE]()`: its server, its namespace and its instance. */
export const instanceMethods = (Base) =>
  class extends Base {
    get items() {
      const [server, path] = this.#way();
      return new Items(server, `${path}/items`);
    }

    get jobs() {
      const [server, path] = this.#way();
      return new Jobs(server, `${path}/jobs`);
    }

    info() {
      const [server, path] = this.#way();
      return server.result(path, {}, failure);
    }

    stats() {
      const [server, path] = this.#way();
      return server.result(`${path}/stats`, {}, failure);
    }

    update(config) {
      const [server, path] = this.#way();
      return server.result(path, { method: "PUT", json: config }, failure);
    }

    search(params) {
      const [server, path] = this.#way();
      return server.result(`${path}/search`, { method: "POST", json: params }, failure);
    }

    chatCompletions(params) {
      const [server, path] = this.#way();
      return complete(server, `${path}/chat/completions`, params);
    }

    #way() {
      const { server, namespace, instance } = this[PLACE]();
      return [server, pathOf(namespace, instance)];
    }
  };

/** A target that knows its place from the start. */
class Placed extends RpcTarget {
  #place;

  constructor(server, namespace, instance) {
    super();
    this.#place = { server, namespace, instance };
  }

  [PLACE]() {
    return this.#place;
  }
}

export class Namespace extends namespaceMethods(Placed) {}
export class Instance extends instanceMethods(Placed) {}

/** Everything below one path of the server. */
class Below extends RpcTarget {
  #server;
  #path;

  constructor(server, path) {
    super();
    this.#server = server;
    this.#path = path;
  }

  [WAY](more = "") {
    return [this.#server, this.#path + more];
  }
}

class Items extends Below {
  list(params) {
    const [server, path] = this[WAY]();
    return server.page(path, { query: params }, failure);
  }

  async upload(name, content, options) {
    const [server, path] = this[WAY]();
    const form = new FormData();
    form.append("file", await new Response(content).blob(), name);
    if (options?.metadata) form.append("metadata", JSON.stringify(options.metadata));
    return server.result(path, { method: "POST", body: form }, failure);
  }

  /** The item once it is done, or as it is when the time is up. */
  async uploadAndPoll(name, content, options) {
    const until = Date.now() + (options?.timeoutMs ?? 30_000);
    let item = await this.upload(name, content, options);
    while (!FINAL.has(item.status) && Date.now() < until) {
      const pause = Math.min(options?.pollIntervalMs ?? 1000, until - Date.now());
      await new Promise((wake) => setTimeout(wake, pause));
      item = await this.get(item.id).info();
    }
    return item;
  }

  get(itemId) {
    const [server, path] = this[WAY](`/${encodeURIComponent(itemId)}`);
    return new Item(server, path);
  }

  async delete(itemId) {
    const [server, path] = this[WAY](`/${encodeURIComponent(itemId)}`);
    await server.ask(path, { method: "DELETE" }, failure);
  }
}

class Item extends Below {
  info() {
    const [server, path] = this[WAY]();
    return server.result(path, {}, failure);
  }

  sync() {
    const [server, path] = this[WAY]();
    return server.result(path, { method: "PATCH", json: { next_action: "INDEX" } }, failure);
  }

  async download() {
    const [server, path] = this[WAY]("/download");
    const answer = await server.ask(path, {}, failure);
    const name = /filename\*=UTF-8''([^;]+)/.exec(answer.headers.get("content-disposition") ?? "");
    return {
      body: answer.body,
      contentType: answer.headers.get("content-type") ?? "application/octet-stream",
      filename: name ? decodeURIComponent(name[1]) : "",
      size: Number(answer.headers.get("content-length") ?? 0),
    };
  }

  logs(params) {
    const [server, path] = this[WAY]("/logs");
    return server.page(path, { query: params }, failure);
  }

  chunks(params) {
    const [server, path] = this[WAY]("/chunks");
    return server.page(path, { query: params }, failure);
  }
}

class Jobs extends Below {
  list(params) {
    const [server, path] = this[WAY]();
    return server.page(path, { query: params }, failure);
  }

  create(params) {
    const [server, path] = this[WAY]();
    return server.result(path, { method: "POST", json: params ?? {} }, failure);
  }

  get(jobId) {
    const [server, path] = this[WAY](`/${encodeURIComponent(jobId)}`);
    return new Job(server, path);
  }
}

class Job extends Below {
  info() {
    const [server, path] = this[WAY]();
    return server.result(path, {}, failure);
  }

  logs(params) {
    const [server, path] = this[WAY]("/logs");
    return server.page(path, { query: params }, failure);
  }

  cancel() {
    const [server, path] = this[WAY]();
    return server.result(path, { method: "PATCH", json: { action: "cancel" } }, failure);
  }
}
