# another module, which is not here
from fastmcp import FastMCP

mcp = FastMCP("weather")
