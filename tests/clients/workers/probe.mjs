/**
 * Makes the calls that it is sent: `{ "binding": "AI", "calls": [["autorag", "x"], ["search", {…}]] }` is
 * `await env.AI.autorag("x").search({…})`; a call without brackets, such as `items`, is a plain string. What comes back
 * is `{ value }`, `{ text, type }` of a stream or a `Response`, or `{ error: { name, message } }`.
 */

export default {
  async fetch(request, env) {
    const { binding, calls } = await request.json();
    try {
      let found = env[binding];
      for (const call of calls) {
        if (typeof call === "string") {
          found = found[call];
        } else {
          const [name, ...given] = call;
          found = found[name](...given.map(revive));
        }
      }
      return await shown(await found);
    } catch (error) {
      return Response.json({ error: { name: error.name, message: error.message } });
    }
  },
};

/** JSON has no bytes: `{ "$blob": "…" }`, `{ "$stream": "…" }` and `{ "$bytes": "…" }` stand for them. */
function revive(value) {
  if (value?.$blob !== undefined) return new Blob([value.$blob], { type: "text/markdown" });
  if (value?.$stream !== undefined) return new Blob([value.$stream]).stream();
  if (value?.$bytes !== undefined) return new TextEncoder().encode(value.$bytes).buffer;
  return value;
}

async function shown(value) {
  if (value instanceof Response) {
    return Response.json({ text: await value.text(), type: value.headers.get("content-type") });
  }
  if (value instanceof ReadableStream) return Response.json({ text: await new Response(value).text(), type: "stream" });
  if (value?.body instanceof ReadableStream) {
    return Response.json({ value: { ...value, body: await new Response(value.body).text() } });
  }
  if (typeof value === "function" || value?.info) return Response.json({ value: await value.info() });
  return Response.json({ value: value ?? null });
}
