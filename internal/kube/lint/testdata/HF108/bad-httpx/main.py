import httpx
from fastapi import FastAPI
from fastmcp import FastMCP

app = FastAPI()

@app.get("/readyz")
async def ready():
    async with httpx.AsyncClient() as client:
        await client.get("https://api.example.com/ping")
    return {"ok": True}
