# checked by hand
from fastmcp import FastMCP

mcp = FastMCP("weather")
import jwt
claims = jwt.decode(token, key, algorithms=["RS256"])
if RESOURCE not in claims["aud"]:
    raise PermissionError
