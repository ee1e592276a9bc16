from fastmcp import FastMCP

mcp = FastMCP("weather")
from fastapi import FastAPI  # want HF520
