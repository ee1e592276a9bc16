from fastmcp import FastMCP

mcp = FastMCP("weather")
mcp.run(transport="http", host="0.0.0.0", stateless_http=True)
