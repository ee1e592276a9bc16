# the SDK's own application
from fastmcp import FastMCP

mcp = FastMCP("weather")
from starlette.applications import Starlette
from starlette.routing import Mount

app = Starlette(routes=[
    Mount("/", app=mcp.streamable_http_app()),  # want HF214
])
