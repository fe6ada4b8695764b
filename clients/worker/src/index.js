/**
 * AI Search bindings over a Secondlook server. Bind this Worker as a service:
 * the default entrypoint is `env.AI`, `AiSearchNamespace` is `env.AI_SEARCH`, `AiSearchInstance` is one instance.
 */

import { WorkerEntrypoint } from "cloudflare:workers";
import { instanceMethods, Namespace, namespaceMethods, PLACE } from "./ai-search.js";
import { AutoRAG } from "./autorag.js";
import { named, Server } from "./server.js";

const DEFAULT_NAMESPACE = "default";

/** What the binding says in `props` goes before what this Worker's variables say. */
function settingsOf({ env, ctx }) {
  return {
    server: new Server(env),
    namespace: ctx.props?.namespace ?? env.SECONDLOOK_NAMESPACE ?? DEFAULT_NAMESPACE,
    instance: ctx.props?.instance ?? env.SECONDLOOK_INSTANCE,
  };
}

/** `env.AI`, as far as it is about search. */
export default class AI extends WorkerEntrypoint {
  autorag(name) {
    return new AutoRAG(new Server(this.env), name);
  }

  aiSearch() {
    const { server, namespace } = settingsOf(this);
    return new Namespace(server, namespace);
  }

  /** Rerankers; the answer is what Workers AI gives for `@cf/baai/bge-reranker-base`. */
  run(model, inputs) {
    const failure = (status, message) => named(status === 0 ? "AiInternalError" : "InferenceUpstreamError", message);
    return new Server(this.env).result(`/ai/run/${model}`, { method: "POST", json: inputs }, failure);
  }

  fetch() {
    return new Response("This Worker is a binding, not a website: bind it as a service.\n", { status: 404 });
  }
}

/** What `ai_search_namespaces` binds; its `namespace` goes into `props`. */
export class AiSearchNamespace extends namespaceMethods(WorkerEntrypoint) {
  [PLACE]() {
    return settingsOf(this);
  }
}

/** What `ai_search` binds; its `instance_name` goes into `props` as `instance`. */
export class AiSearchInstance extends instanceMethods(WorkerEntrypoint) {
  [PLACE]() {
    const found = settingsOf(this);
    if (!found.instance) {
      throw named("AiSearchError", 'this binding names no instance: add "props": { "instance": "NAME" } to it');
    }
    return found;
  }
}
