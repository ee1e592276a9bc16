# both are routed
from fastmcp import FastMCP

mcp = FastMCP("weather")
app = mcp.sse_app()
