# the route is for the old transport
from fastmcp import FastMCP

mcp = FastMCP("weather")
mcp.run(transport="http", host="0.0.0.0")
