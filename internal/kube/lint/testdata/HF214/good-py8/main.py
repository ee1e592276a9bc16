# the old transport has no session manager
from fastmcp import FastMCP

mcp = FastMCP("weather")
app = FastAPI()
app.mount("/sse", mcp.http_app(transport="sse"))
