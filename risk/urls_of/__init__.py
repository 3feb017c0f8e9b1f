"""The addresses of risk, a file a room."""
