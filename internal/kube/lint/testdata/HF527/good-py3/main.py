# with a challenge
from fastmcp import FastMCP

mcp = FastMCP("weather")
raise HTTPException(status_code=401, headers={"WWW-Authenticate": challenge})
