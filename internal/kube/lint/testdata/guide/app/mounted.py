# The variant that mounts streamable HTTP into FastAPI.
from fastapi import FastAPI
from fastmcp import FastMCP

mcp = FastMCP("notes")
app = FastAPI()
app.mount("/mcp", mcp.streamable_http_app())
