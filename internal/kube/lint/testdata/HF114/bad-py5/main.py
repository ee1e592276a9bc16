# the mount is first
from fastmcp import FastMCP

mcp = FastMCP("weather")
from fastapi import FastAPI

app = FastAPI(lifespan=mcp.lifespan)
app.mount("/", mcp.http_app())  # want HF114

@app.get("/health")
async def health():
    return {"ok": True}
