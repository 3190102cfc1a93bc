// NestJS, with its decorators called by hand: there is no compiler here.
require('reflect-metadata');
const fs = require('fs');
const { Controller, Get, Module, Post, Req, Res } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const word = fs.readFileSync('/code/word', 'utf8');

class Home {
  home(request, response) { response.send(word); }
  where(request, response) { response.send(`${__dirname} ${process.cwd()}`); }
  async length(request, response) {
    let length = 0;
    for await (const chunk of request) length += chunk.length;
    response.send(String(length));
  }
  big(request, response) { response.send(Buffer.alloc(Number(request.query.bytes), 'x')); }
  stream(request, response) {
    let sent = 0;
    const timer = setInterval(() => {
      response.write(`chunk ${sent++}\n`);
      if (sent === 3) { clearInterval(timer); response.end(); }
    }, 200);
  }
  slow(request, response) {
    console.log('slow begins');
    response.on('close', () => console.log('slow client left'));
  }
}
const routes = { home: Get('/'), where: Get('where'), length: Post('length'), big: Get('big'), stream: Get('stream'), slow: Get('slow') };
for (const [name, route] of Object.entries(routes)) {
  Req()(Home.prototype, name, 0);
  Res()(Home.prototype, name, 1);
  route(Home.prototype, name, Object.getOwnPropertyDescriptor(Home.prototype, name));
}
Controller()(Home);
class App {}
Module({ controllers: [Home] })(App);
NestFactory.create(App, { bodyParser: false, logger: false }).then((app) => app.listen(Number(process.env.OWN_PORT), '0.0.0.0'));
