from fastmcp import FastMCP

mcp = FastMCP("weather")
mcp.run(transport="http", port=8080)
