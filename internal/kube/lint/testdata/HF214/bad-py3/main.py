# no lifespan
from fastmcp import FastMCP

mcp = FastMCP("weather")
from fastapi import FastAPI

app = FastAPI()
app.mount("/mcp", mcp.http_app(path="/"))  # want HF214
