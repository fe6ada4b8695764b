// Shows the OpenAPI document of this server; nothing is asked of any other host.
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  validatorUrl: null,
  syntaxHighlight: false,
  tryItOutEnabled: false,
});
