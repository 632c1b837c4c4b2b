"""Training data of `mini`: rendered goods, synthetic scenes, photographs."""
