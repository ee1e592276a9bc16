import httpx
from fastapi import FastAPI
from fastmcp import FastMCP

app = FastAPI()

@app.get("/readyz")
async def ready():
    requests.head("https://api.example.com/ping", timeout=2)
    return {"ok": True}
