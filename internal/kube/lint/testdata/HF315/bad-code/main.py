# the code serves the old transport
from fastmcp import FastMCP

mcp = FastMCP("weather")
app = mcp.sse_app()
