# FastMCP
from fastmcp import FastMCP

mcp = FastMCP("weather")
mcp.run(transport="sse", host="0.0.0.0")  # want HF319
