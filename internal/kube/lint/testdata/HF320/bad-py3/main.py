# the default of FastMCP, in an image
from fastmcp import FastMCP

mcp = FastMCP("weather")
mcp.run(transport="http", port=8000)  # want HF320
