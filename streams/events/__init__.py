"""Events: their schema, the CloudEvents envelope, the JSON Schemas and the AsyncAPI document."""
