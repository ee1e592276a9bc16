# a module in a folder
from fastmcp import FastMCP

mcp = FastMCP("weather")
