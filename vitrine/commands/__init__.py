"""The commands of `vitrine`, one module each; a module imports what is slow to import only when it runs."""
