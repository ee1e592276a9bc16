# passed on
from fastmcp import FastMCP

mcp = FastMCP("weather")
mcp_app = mcp.http_app(path="/")
app = FastAPI(lifespan=mcp_app.lifespan)
app.mount("/mcp", mcp_app)
