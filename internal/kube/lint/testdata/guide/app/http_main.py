# The same server after the step "move to streamable HTTP".
from fastmcp import FastMCP
import uvicorn

mcp = FastMCP("notes")


@mcp.tool()
def search_notes(query: str) -> list[str]:
    return []


if __name__ == "__main__":
    uvicorn.run(mcp.streamable_http_app(), port=8080)
