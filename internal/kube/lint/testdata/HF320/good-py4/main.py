# the image says it
from fastmcp import FastMCP

mcp = FastMCP("weather")
mcp.run(transport="http", port=8000)
