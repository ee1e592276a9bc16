# defined
from fastmcp import FastMCP

mcp = FastMCP("weather")
app = mcp.http_app()
