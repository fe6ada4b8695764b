// Shows the OpenAPI document of this server; no other host is asked. Each route is served below /client/v4 and at root:
// one of the two is shown, so that the list is half as long and opens twice as fast.
(async () => {
  const told = await (await fetch("/openapi.json")).json();
  const paths = Object.fromEntries(Object.entries(told.paths).filter(([path]) => !(`/client/v4${path}` in told.paths)));
  SwaggerUIBundle({
    spec: { ...told, paths },
    dom_id: "#reference",
    deepLinking: true,
    docExpansion: "none",
    defaultModelsExpandDepth: -1,
    filter: true,
    validatorUrl: null,
    syntaxHighlight: false,
  });
})();
