from fastmcp import FastMCP

mcp = FastMCP("weather")
