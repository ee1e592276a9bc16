# active is not enough
from fastmcp import FastMCP

mcp = FastMCP("weather")
reply = httpx.post("https://login.example.com/introspect", data={"token": token})
if not reply.json()["active"]:  # want HF528
    raise PermissionError
