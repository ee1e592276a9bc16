# in code
import uvicorn
from fastmcp import FastMCP

mcp = FastMCP("weather")
if __name__ == "__main__":
    uvicorn.run(  # want HF210
        mcp.http_app(),
        host="0.0.0.0",
    )
