from fastmcp import FastMCP

tools = FastMCP("tools")


@tools.tool
def add(a: int, b: int) -> int:
    """Add."""
    return a + b


app = tools.http_app(path="/mcp", stateless_http=True)
