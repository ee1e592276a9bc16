# in a list of routes
from fastmcp import FastMCP

mcp = FastMCP("weather")
from starlette.applications import Starlette
from starlette.routing import Mount, Route

routes = [
    Mount("/", app=mcp.http_app()),  # want HF114
    Route("/livez", live),
]
app = Starlette(routes=routes, lifespan=mcp.lifespan)
