# on a laptop loopback is right
from fastmcp import FastMCP

mcp = FastMCP("weather")
mcp.run(transport="http", port=8000)
