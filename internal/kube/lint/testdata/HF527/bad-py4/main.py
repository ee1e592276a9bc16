# an exception without headers
from fastmcp import FastMCP

mcp = FastMCP("weather")
from fastapi import HTTPException

def check(token):
    if not token:
        raise HTTPException(status_code=401, detail="no token")  # want HF527
