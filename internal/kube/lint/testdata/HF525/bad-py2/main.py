# defined, never used
from fastmcp import FastMCP

mcp = FastMCP("weather")
from fastapi import FastAPI, Request

async def verify_token(request: Request):  # want HF525
    if request.headers.get("authorization") is None:
        raise PermissionError("no token")

app = FastAPI()
app.mount("/mcp", mcp.http_app())
