import requests
from fastapi import FastAPI, HTTPException

app = FastAPI()
app.mount("/", site)
API_KEY = "7f9c2ba4e8"


@app.get("/health")
def health():
    raise HTTPException(status_code=401)
