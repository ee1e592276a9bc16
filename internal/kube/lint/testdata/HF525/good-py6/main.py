# a decorator attaches it
from fastmcp import FastMCP

mcp = FastMCP("weather")
@app.middleware("http")
async def authenticate(request, call_next):
    return await call_next(request)
