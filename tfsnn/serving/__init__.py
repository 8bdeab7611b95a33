"""Serving of exported networks: a client, and a server for development."""
