# Tornado.
import asyncio
import os

import tornado.web

word = open("/code/word").read()


class All(tornado.web.RequestHandler):
    async def get(self, path):
        if path == "where":
            self.write(f"{os.path.dirname(os.path.abspath(__file__))} {os.getcwd()}")
        elif path == "big":
            self.write("x" * int(self.get_argument("bytes")))
        elif path == "stream":
            for number in range(3):
                await asyncio.sleep(0.2)
                self.write(f"chunk {number}\n")
                await self.flush()
        elif path == "slow":
            print("slow begins", flush=True)
            await asyncio.sleep(60)
        else:
            self.write(word)

    async def post(self, path):
        self.write(str(len(self.request.body)))

    def on_connection_close(self):
        print("slow client left", flush=True)


async def main():
    tornado.web.Application([(r"/(.*)", All)]).listen(int(os.environ["OWN_PORT"]), "0.0.0.0")
    await asyncio.Event().wait()


asyncio.run(main())
