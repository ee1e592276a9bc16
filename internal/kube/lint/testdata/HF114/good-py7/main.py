# the mount is last
from fastmcp import FastMCP

mcp = FastMCP("weather")
from fastapi import FastAPI

app = FastAPI(lifespan=mcp.lifespan)

@app.get("/health")
async def health():
    return {"ok": True}

app.mount("/", mcp.http_app())
