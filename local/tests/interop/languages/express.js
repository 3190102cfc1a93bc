// Express, as its guide begins.
const express = require('express');
const fs = require('fs');
const word = fs.readFileSync('/code/word', 'utf8');
const app = express();
app.get('/', (request, response) => response.send(word));
app.get('/where', (request, response) => response.send(`${__dirname} ${process.cwd()}`));
app.post('/length', express.raw({ type: '*/*', limit: '32mb' }), (request, response) => response.send(String(request.body.length)));
app.get('/big', (request, response) => response.send(Buffer.alloc(Number(request.query.bytes), 'x')));
app.get('/stream', (request, response) => {
  let sent = 0;
  const timer = setInterval(() => {
    response.write(`chunk ${sent++}\n`);
    if (sent === 3) { clearInterval(timer); response.end(); }
  }, 200);
});
app.get('/slow', (request, response) => {
  console.log('slow begins');
  response.on('close', () => console.log('slow client left'));
});
app.listen(Number(process.env.OWN_PORT), '0.0.0.0');
