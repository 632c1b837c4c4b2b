"""Which of the candidates match a query at all."""
