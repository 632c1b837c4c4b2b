"""Canvas, light, fabrics and textures."""
