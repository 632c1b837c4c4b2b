"""The HTTP edge: routes, bodies, problem documents."""
