"""The server: connections and how many, requests read within bounds, TLS, several processes behind one port."""
