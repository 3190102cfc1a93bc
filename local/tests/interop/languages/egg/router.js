// The routes of the Egg application.
const fs = require('fs');
const { PassThrough } = require('stream');
const word = fs.readFileSync('/code/word', 'utf8');
module.exports = (app) => {
  app.get('/', async (context) => { context.body = word; });
  app.get('/where', async (context) => { context.body = `${app.baseDir} ${process.cwd()}`; });
  app.post('/length', async (context) => {
    let length = 0;
    for await (const chunk of context.req) length += chunk.length;
    context.body = String(length);
  });
  app.get('/big', async (context) => { context.body = Buffer.alloc(Number(context.query.bytes), 'x'); });
  app.get('/stream', async (context) => {
    const stream = new PassThrough();
    context.body = stream;
    let sent = 0;
    const timer = setInterval(() => {
      stream.write(`chunk ${sent++}\n`);
      if (sent === 3) { clearInterval(timer); stream.end(); }
    }, 200);
  });
  app.get('/slow', async (context) => {
    console.log('slow begins');
    context.req.on('close', () => console.log('slow client left'));
    await new Promise(() => {});
  });
};
