import jwt  # want HF520
from mcp.server.fastmcp import FastMCP
