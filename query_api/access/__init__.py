"""Who asks: API keys, shopper tokens, JWTs, and how often they may."""
