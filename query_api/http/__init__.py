"""HTTP: routes, middleware, problem documents, OpenAPI."""
