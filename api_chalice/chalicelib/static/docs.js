// Swagger UI over the API's own document; the key of the page at / serves here too.
import { storedKey } from "./api.js";

const ui = window.SwaggerUIBundle({
  url: "openapi.json",
  domNode: document.getElementById("docs"),
  deepLinking: true,
  docExpansion: "none",
  tagsSorter: "alpha",
  validatorUrl: null,
  onComplete: () => {
    if (storedKey()) ui.preauthorizeApiKey("key", storedKey());
  },
});
