"""Text analysis: from texts to the terms of lexical search. Pure."""
