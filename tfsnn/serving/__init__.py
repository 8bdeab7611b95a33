"""Serving of exported networks: clients, and a server for development."""

from .client import GrpcClient, RestClient, Target
from .server import DevelopmentServer

__all__ = ["DevelopmentServer", "GrpcClient", "RestClient", "Target"]
