# 403 needs none
from fastmcp import FastMCP

mcp = FastMCP("weather")
raise HTTPException(status_code=403, detail="not yours")
