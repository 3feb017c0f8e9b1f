"""The outside world in one process: gateways that the house talks to over HTTP. Imports nothing of the house."""
