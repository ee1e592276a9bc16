import httpx
from fastapi import FastAPI
from fastmcp import FastMCP

app = FastAPI()

@app.get("/health/ready")
async def ready():
    async with httpx.AsyncClient() as client:
        await client.get("https://api.example.com/ping", timeout=5.0)
    return {"ok": True}
