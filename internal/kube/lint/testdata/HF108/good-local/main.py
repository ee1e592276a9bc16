import httpx
from fastapi import FastAPI
from fastmcp import FastMCP

app = FastAPI()

@app.get("/readyz")
async def ready():
    await asyncio.sleep(0)
    return {"ok": True}
