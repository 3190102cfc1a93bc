# Flask, by its own server or behind gunicorn.
import os
import time

from flask import Flask, Response, request

app = Flask(__name__)
word = open("/code/word").read()


@app.get("/")
def home():
    return word


@app.get("/where")
def where():
    return f"{os.path.dirname(os.path.abspath(__file__))} {os.getcwd()}"


@app.post("/length")
def length():
    return str(len(request.get_data()))


@app.get("/big")
def big():
    return "x" * int(request.args["bytes"])


@app.get("/stream")
def stream():
    def chunks():
        for number in range(3):
            time.sleep(0.2)
            yield f"chunk {number}\n"

    return Response(chunks())


@app.get("/slow")
def slow():
    print("slow begins", flush=True)
    time.sleep(3)
    return "late"


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=int(os.environ["OWN_PORT"]))
