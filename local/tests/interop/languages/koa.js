// Koa, with its middleware alone.
const Koa = require('koa');
const fs = require('fs');
const { PassThrough } = require('stream');
const word = fs.readFileSync('/code/word', 'utf8');
const app = new Koa();
app.use(async (context) => {
  if (context.path === '/where') context.body = `${__dirname} ${process.cwd()}`;
  else if (context.path === '/length') {
    let length = 0;
    for await (const chunk of context.req) length += chunk.length;
    context.body = String(length);
  } else if (context.path === '/big') context.body = Buffer.alloc(Number(context.query.bytes), 'x');
  else if (context.path === '/stream') {
    const stream = new PassThrough();
    context.body = stream;
    let sent = 0;
    const timer = setInterval(() => {
      stream.write(`chunk ${sent++}\n`);
      if (sent === 3) { clearInterval(timer); stream.end(); }
    }, 200);
  } else if (context.path === '/slow') {
    console.log('slow begins');
    context.req.on('close', () => console.log('slow client left'));
    await new Promise(() => {});
  } else context.body = word;
});
app.listen(Number(process.env.OWN_PORT), '0.0.0.0');
