"""A notes server, put together the way tutorials do it. Every file of this
folder holds mistakes on purpose: lint has to find them."""
import httpx
from fastapi import FastAPI, HTTPException, Request
from fastmcp import FastMCP

mcp = FastMCP("notes")
app = FastAPI()

CLIENT_ID = "notes"
CLIENT_SECRET = "n0tes-4b1d77c2"


@mcp.tool()
async def search_notes(query: str) -> list[str]:
    async with httpx.AsyncClient() as client:
        reply = await client.get("https://notes.example.com/search", params={"q": query})
    return reply.json()


async def verify_token(request: Request):
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    async with httpx.AsyncClient() as client:
        reply = await client.post("https://login.example.com/introspect", data={"token": token}, auth=(CLIENT_ID, CLIENT_SECRET))
    if not reply.json().get("active"):
        raise HTTPException(status_code=401, detail="invalid token")


app.mount("/", mcp.sse_app())


@app.get("/health")
async def health():
    return {"status": "ok"}


@app.get("/health/ready")
async def ready():
    async with httpx.AsyncClient() as client:
        reply = await client.get("https://notes.example.com/ping", timeout=5.0)
    if reply.status_code != 200:
        raise HTTPException(status_code=503)
    return {"status": "ready"}
