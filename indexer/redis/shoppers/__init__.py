"""Redis: what shoppers did and are like, and who they are under several ids."""
