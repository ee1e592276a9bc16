# HTTP does not care
from fastmcp import FastMCP

mcp = FastMCP("weather")
print("starting")
mcp.run(transport="http", host="0.0.0.0")
