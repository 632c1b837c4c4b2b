"""The OpenAPI document, made of the contract."""
