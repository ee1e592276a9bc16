# to standard error
from fastmcp import FastMCP

mcp = FastMCP("weather")
import sys
print("starting", file=sys.stderr)
mcp.run(transport="stdio")
