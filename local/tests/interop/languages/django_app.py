# Django in one file, behind gunicorn.
import os
import time

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

word = open("/code/word").read()
settings.configure(
    ALLOWED_HOSTS=["*"],
    DATA_UPLOAD_MAX_MEMORY_SIZE=None,
    ROOT_URLCONF=__name__,
    SECRET_KEY="of a test",
)


def where(request):
    return HttpResponse(f"{os.path.dirname(os.path.abspath(__file__))} {os.getcwd()}")


def stream(request):
    def chunks():
        for number in range(3):
            time.sleep(0.2)
            yield f"chunk {number}\n"

    return StreamingHttpResponse(chunks())


def slow(request):
    print("slow begins", flush=True)
    time.sleep(3)
    return HttpResponse("late")


urlpatterns = [
    path("", lambda request: HttpResponse(word)),
    path("where", where),
    path("length", lambda request: HttpResponse(str(len(request.body)))),
    path("big", lambda request: HttpResponse("x" * int(request.GET["bytes"]))),
    path("stream", stream),
    path("slow", slow),
]
app = get_wsgi_application()
