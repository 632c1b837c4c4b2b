"""Commands about who may ask: API keys and shopper tokens."""
