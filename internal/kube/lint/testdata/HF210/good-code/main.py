# in code
import uvicorn
from fastmcp import FastMCP

mcp = FastMCP("weather")
if __name__ == "__main__":
    uvicorn.run(mcp.http_app(), host="0.0.0.0", timeout_graceful_shutdown=25)
