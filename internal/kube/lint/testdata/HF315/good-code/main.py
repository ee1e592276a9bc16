# both are served
from fastmcp import FastMCP

mcp = FastMCP("weather")
app = mcp.sse_app()
other = mcp.http_app()
