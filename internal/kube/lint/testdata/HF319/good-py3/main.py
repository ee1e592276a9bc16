# both
from fastmcp import FastMCP

mcp = FastMCP("weather")
app.mount("/legacy", mcp.sse_app())
app.mount("/mcp", mcp.http_app())
