# below a path of its own
from fastmcp import FastMCP

mcp = FastMCP("weather")
app.mount("/tools", mcp.http_app())

@app.get("/health")
async def health():
    return {"ok": True}
